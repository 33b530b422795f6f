using Microsoft.AspNetCore.Connections;

namespace XLive.Server.Door;

/// <summary>
/// A request's body whose faults are the client's. Kestrel tells some of them, a chunk size past 2^31 or NUL in a trailer, with
/// exceptions that look like ours and would be answered with 500.
///
/// It also has a time of its own: that of a head, and as long again as what has come takes at <see cref="LeastRate"/>. Kestrel's own limit
/// is looked at once a second for all connections: 1,500 slow bodies ended in one go held viewers up for 200 ms.
/// </summary>
internal sealed class CheckedBody(Stream body, TimeSpan grace, TimeProvider clock) : Stream
{
    /// <summary>Bytes a second: what keeps coming at this rate may take longer than a head.</summary>
    public const int LeastRate = 4096;

    private readonly long _began = clock.GetTimestamp();
    private long _got;
    private CancellationTokenSource? _late;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _late ??= new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
        var left = grace + TimeSpan.FromSeconds((double)_got / LeastRate) - clock.GetElapsedTime(_began);
        _late.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        try
        {
            // The caller's token is the request's, whose end ends this read anyway.
            var read = await body.ReadAsync(buffer, _late.Token);
            _got += read;
            return read;
        }
        catch (OperationCanceledException) when (_late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new BadHttpRequestException("The body came too slowly.", StatusCodes.Status408RequestTimeout);
        }
        catch (Exception e) when (e is InvalidOperationException || e is IOException and not (BadHttpRequestException or ConnectionResetException))
        {
            throw new BadHttpRequestException("The body is not well formed.", e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _late?.Dispose();
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
