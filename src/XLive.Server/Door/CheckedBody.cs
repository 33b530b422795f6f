using Microsoft.AspNetCore.Connections;

namespace XLive.Server.Door;

/// <summary>
/// A request's body whose faults are the client's. Kestrel tells some of them, a chunk size past 2^31 or NUL in a trailer, with
/// exceptions that look like ours and would be answered with 500.
/// </summary>
internal sealed class CheckedBody(Stream body) : Stream
{
    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await body.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception e) when (e is InvalidOperationException || e is IOException and not (BadHttpRequestException or ConnectionResetException))
        {
            throw new BadHttpRequestException("The body is not well formed.", e);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Flush() { }
}
