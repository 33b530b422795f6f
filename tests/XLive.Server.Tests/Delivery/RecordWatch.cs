namespace XLive.Server.Tests.Delivery;

/// <summary>Looks at the TLS records that come in below a client's SslStream, which itself tells an end with close_notify from none to nobody.</summary>
internal sealed class RecordWatch(Stream inner) : Stream
{
    private readonly byte[] _head = new byte[5];
    private int _headRead;
    private int _left;

    // RFC 8446 section 5.2 hides the type: two bytes of alert, one of type and 16 of tag are an alert. No other record here is as short.
    public bool LastIsAlert => _left == 0 && _headRead == 5 && (_head[0] == 21 || _head[0] == 23 && Length16 == 19);

    private int Length16 => _head[3] << 8 | _head[4];

    private int Look(int n, ReadOnlySpan<byte> bytes)
    {
        for (bytes = bytes[..n]; bytes.Length > 0;)
        {
            if (_left > 0)
            {
                var skipped = Math.Min(_left, bytes.Length);
                _left -= skipped;
                bytes = bytes[skipped..];
                continue;
            }
            if (_headRead == 5)
                _headRead = 0;
            _head[_headRead++] = bytes[0];
            bytes = bytes[1..];
            if (_headRead == 5)
                _left = Length16;
        }
        return n;
    }

    public override int Read(Span<byte> buffer) => Look(inner.Read(buffer), buffer);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Look(await inner.ReadAsync(buffer, cancellationToken), buffer.Span);

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override void Write(ReadOnlySpan<byte> buffer) => inner.Write(buffer);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(buffer, cancellationToken);

    public override void Flush() => inner.Flush();

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
}
