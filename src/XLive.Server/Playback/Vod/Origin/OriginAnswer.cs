using System.Buffers;
using System.Runtime.CompilerServices;

namespace XLive.Server.Playback.Vod.Origin;

/// <summary>One answer of one origin: its checked head, and its body as far as its connection lasts.</summary>
internal sealed class OriginAnswer : IDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly Stream _body;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _idle;
    private readonly bool _isHttp2;
    private readonly bool _isCounted;
    private CancellationTokenSource? _patience;
    private byte[]? _one;
    private long _left;
    private int _disposed;

    public OriginAnswer(OriginServer server, HttpResponseMessage response, Stream body, AnswerHead head, bool isHttp2, TimeProvider clock, TimeSpan idle)
    {
        Server = server;
        Head = head;
        _response = response;
        _body = body;
        _isHttp2 = isHttp2;
        _clock = clock;
        _idle = idle;
        _left = head.Length;
        // HTTP/1.1's reader counts by the same length; HTTP/2's goes on to the end of the stream, and a chunked one to its last chunk.
        _isCounted = response.Version.Major == 1 && response.Content.Headers.ContentLength == head.Length;
    }

    public OriginServer Server { get; }

    public AnswerHead Head { get; }

    /// <returns>0 at the end, when all has come that its length or its last chunk promised.</returns>
    /// <exception cref="OriginException">It broke off, or goes on where it should have ended.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReadAsync(Memory<byte> into, CancellationToken cancel)
    {
        if (_left == 0)
            return 0;
        if (_left > 0 && into.Length > _left)
            into = into[..(int)_left];
        var count = await PieceAsync(into, cancel);
        if (_left < 0)
            return count;
        if (count == 0)
            throw new OriginException(OriginFault.BrokenOff, $"{Server.Name} ended {_left} bytes early");
        // What is given out has been promised and no more: bytes beyond the length say that the length was wrong.
        if (_left == count && !_isCounted && await PieceAsync(_one ??= new byte[1], cancel) > 0)
            throw new OriginException(OriginFault.BadAnswer, $"{Server.Name} sends more than it promised");
        _left -= count;
        return count;
    }

    // The time runs only while somebody waits for a byte: a viewer who pauses is not the origin's fault.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> PieceAsync(Memory<byte> into, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        // The time of the read before may have run out just as its bytes came.
        if (_patience is null or { IsCancellationRequested: true })
        {
            _patience?.Dispose();
            _patience = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _clock);
        }
        var patience = _patience;
        try
        {
            var read = _body.ReadAsync(into, patience.Token);
            if (read.IsCompletedSuccessfully)
                return read.Result;
            patience.CancelAfter(_idle);
            using (cancel.UnsafeRegister(static p => ((CancellationTokenSource)p!).Cancel(), patience))
            {
                var count = await read;
                patience.CancelAfter(Timeout.InfiniteTimeSpan);
                return count;
            }
        }
        catch (OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            throw new OriginException(OriginFault.TimedOut, $"{Server.Name} sent nothing for {_idle.TotalSeconds:0.###} s");
        }
        catch (Exception e) when (e is IOException or HttpRequestException or ObjectDisposedException)
        {
            cancel.ThrowIfCancellationRequested();
            throw new OriginException(OriginFault.BrokenOff, $"{Server.Name} broke off: {OriginWords.Of(e)}");
        }
    }

    /// <summary>Reads on without giving out.</summary>
    public async Task SkipAsync(long count, CancellationToken cancel)
    {
        var piece = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            while (count > 0)
            {
                var read = await ReadAsync(piece.AsMemory(0, (int)Math.Min(count, piece.Length)), cancel);
                count -= read > 0 ? read : throw new OriginException(OriginFault.BrokenOff, Server.Name + " ended early");
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    /// <summary>Closes the connection, unless next to nothing is left to read; an HTTP/2 stream is reset.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
            return;
        _body.Dispose();
        _response.Dispose();
        _patience?.Dispose();
        Server.Ended(_isHttp2);
    }
}
