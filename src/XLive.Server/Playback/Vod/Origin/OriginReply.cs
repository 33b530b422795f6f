using System.Runtime.CompilerServices;

namespace XLive.Server.Playback.Vod.Origin;

/// <summary>
/// What came, from whichever origin. One reader. Disposed early it ends the request: a rest of 100 GB is not read.
/// </summary>
internal sealed class OriginReply(OriginRequest request, OriginAnswer answer) : IAsyncDisposable
{
    private readonly AnswerHead _head = answer.Head;
    private OriginAnswer _answer = answer;

    public OriginRequest Request => request;

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

    /// <returns>0 at the end, when all has come that was promised.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReadAsync(Memory<byte> into, CancellationToken cancel)
    {
        if (into.IsEmpty)
            return 0;
        return await _answer.ReadAsync(into, cancel);
    }

    public ValueTask DisposeAsync()
    {
        _answer.Dispose();
        return ValueTask.CompletedTask;
    }
}
