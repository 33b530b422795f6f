using System.Runtime.CompilerServices;

namespace XLive.Server.Playback.Vod.Origin;

/// <summary>
/// What came, from whichever origin; when that one dies, the rest of the same version from another. One reader. Disposed early it ends the
/// request: a rest of 100 GB is not read.
/// </summary>
internal sealed class OriginReply : IAsyncDisposable
{
    /// <summary>Bytes after which the tries to mend it begin anew. An origin that gives one byte a connection must not go on for ever.</summary>
    public const int Progress = 64 << 10;

    private readonly OriginClient _client;
    private readonly AnswerHead _head;
    private OriginAnswer _answer;
    private OriginException? _fault;
    private long _at;
    private long _sinceBroken;
    private int _tries = OriginClient.MostResumes;
    private bool _isOver;

    public OriginReply(OriginClient client, OriginRequest request, OriginAnswer answer)
    {
        _client = client;
        Request = request;
        _answer = answer;
        _head = answer.Head;
        _at = _head.First;
    }

    public OriginRequest Request { get; }

    public int Status => _head.Status;

    /// <summary>End-to-end ones, at most <see cref="OriginFields.Most"/>.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers => _head.Headers;

    /// <summary>Where in the representation the body begins: 0 for a 200, whatever was asked.</summary>
    public long First => _head.First;

    /// <summary>Of this body; -1 not known.</summary>
    public long Length => _head.Length;

    /// <summary>Of the representation; -1 not known.</summary>
    public long Total => _head.Total;

    public string? StrongTag => _head.StrongTag;

    /// <summary>False where only the end of the connection ends the body: a cut is not to be told from an end then.</summary>
    public bool IsDelimited => _head.IsDelimited;

    /// <summary>Who sends now.</summary>
    public OriginServer Origin => _answer.Server;

    public string? Header(string name) => _head.Header(name);

    private long End => Length < 0 ? -1 : First + Length;

    private bool IsMendable => StrongTag is not null && Status is 200 or 206 && !Request.IsHead;

    /// <returns>0 at the end, when all has come that was promised.</returns>
    /// <exception cref="OriginException">It broke off, and nobody has the rest.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReadAsync(Memory<byte> into, CancellationToken cancel)
    {
        if (_fault is not null)
            throw _fault;
        while (!_isOver && !into.IsEmpty)
        {
            var most = End >= 0 && End - _at < into.Length ? into[..(int)(End - _at)] : into;
            OriginException why;
            try
            {
                var count = most.IsEmpty ? 0 : await _answer.ReadAsync(most, cancel);
                if (count == 0)
                {
                    // The connection is another's from here on, however long the reader keeps what it read.
                    _isOver = true;
                    _answer.Dispose();
                    break;
                }
                _at += count;
                if ((_sinceBroken += count) >= Progress)
                    _tries = OriginClient.MostResumes;
                return count;
            }
            catch (OriginException e)
            {
                why = e;
            }
            await MendAsync(why, cancel);
        }
        return 0;
    }

    private async ValueTask MendAsync(OriginException why, CancellationToken cancel)
    {
        var from = _answer.Server;
        _answer.Dispose();
        from.Failed(why);
        try
        {
            if (!IsMendable || why.Fault is not (OriginFault.BrokenOff or OriginFault.TimedOut))
                throw why;
            _answer = await _client.ResumeAsync(this, from, _at, End, _tries, left => _tries = left, why, cancel);
            _sinceBroken = 0;
        }
        catch (OriginException e)
        {
            _fault = e;
            throw;
        }
    }

    public ValueTask DisposeAsync()
    {
        _isOver = true;
        _answer.Dispose();
        return ValueTask.CompletedTask;
    }
}
