using System.Net;
using Microsoft.AspNetCore.Connections;

namespace XLive.Server.Door;

/// <summary>
/// A request's body whose faults are the client's. Kestrel tells some of them, a chunk size past 2^31 or NUL in a trailer, with
/// exceptions that look like ours and would be answered with 500.
///
/// It also has a time of its own: that of a head, and as long again as what has come takes at <see cref="LeastRate"/>. Kestrel's own limit
/// is looked at once a second for all connections: 1,500 slow bodies ended in one go held viewers up for 200 ms.
/// </summary>
internal sealed class CheckedBody(Stream body, IPAddress client, WaitingBodies waiting) : Stream
{
    /// <summary>Bytes a second: what keeps coming at this rate may take longer than a head.</summary>
    public const int LeastRate = 4096;

    private readonly long _began = waiting.Clock.GetTimestamp();
    private long _got;
    private CancellationTokenSource? _late;
    private IPAddress? _place;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _late ??= new CancellationTokenSource(Timeout.InfiniteTimeSpan, waiting.Clock);
        var refused = false;
        try
        {
            // The caller's token is the request's, whose end ends this read anyway.
            var reading = body.ReadAsync(buffer, _late.Token);
            if (!reading.IsCompleted)
            {
                refused = (_place ??= waiting.Enter(client)) is null;
                var left = waiting.Grace + TimeSpan.FromSeconds((double)_got / LeastRate) - waiting.Clock.GetElapsedTime(_began);
                if (refused || left <= TimeSpan.Zero)
                    await _late.CancelAsync();
                else
                    _late.CancelAfter(left);
            }
            var read = await reading;
            _got += read;
            return read;
        }
        catch (OperationCanceledException) when (_late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw refused
                ? new BadHttpRequestException("There are too many that bring their bodies slowly.", StatusCodes.Status503ServiceUnavailable)
                : new BadHttpRequestException("The body came too slowly.", StatusCodes.Status408RequestTimeout);
        }
        catch (Exception e) when (e is InvalidOperationException || e is IOException and not (BadHttpRequestException or ConnectionResetException))
        {
            throw new BadHttpRequestException("The body is not well formed.", e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _late?.Dispose();
            if (Interlocked.Exchange(ref _place, null) is { } place)
                waiting.Leave(place);
        }
        base.Dispose(disposing);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Flush() { }
}
