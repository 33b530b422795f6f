using System.Net.Sockets;
using XLive.Media.Rtmp;
using XLive.Media.Tests.Rtmp;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Rtmp;

/// <summary>A peer whose every byte the test knows.</summary>
internal sealed class RtmpClient : IDisposable
{
    private const int HandshakeLength = 3073;

    private readonly TcpClient _tcp;
    private readonly Stream _stream;
    private readonly ChunkReader _reader = new();
    private readonly byte[] _buffer = new byte[65536];
    private ReadOnlyMemory<byte> _rest;

    public RtmpClient(int port, Func<Stream, Stream>? wrap = null)
    {
        _tcp = new TcpClient("127.0.0.1", port);
        _tcp.ReceiveTimeout = (int)Until.Patience.TotalMilliseconds;
        _stream = wrap is null ? _tcp.GetStream() : wrap(_tcp.GetStream());
    }

    public Socket Socket => _tcp.Client;

    public void Send(params byte[][] pieces)
    {
        foreach (var piece in pieces)
            _stream.Write(piece);
    }

    /// <summary>Of the handshake: what is no message yet.</summary>
    public byte[] Read(int length)
    {
        var bytes = new byte[length];
        _stream.ReadExactly(bytes);
        return bytes;
    }

    public void Handshake()
    {
        Send([3, .. new byte[1536], .. new byte[1536]]);
        Read(HandshakeLength);
    }

    public void Connect(string app = "live")
    {
        Handshake();
        Send(Wire.Command(0, "connect", 1, new Dictionary<string, string> { ["app"] = app }));
    }

    public void Publish(string name)
    {
        Connect();
        Send(Wire.Command(0, "createStream", 2, null), Wire.Command(1, "publish", 3, null, name, "live"));
        Hear("NetStream.Publish.Start");
    }

    /// <summary>Reads until a message holds the text, or the connection ends.</summary>
    public RtmpMessage Hear(string text)
    {
        while (Next() is { } message)
        {
            if (System.Text.Encoding.Latin1.GetString(message.Payload.Span).Contains(text, StringComparison.Ordinal))
                return message;
        }
        Assert.Fail("the connection ended before " + text);
        return default;
    }

    /// <summary>Null: the connection has ended.</summary>
    public RtmpMessage? Next()
    {
        while (true)
        {
            var any = _reader.Read(_rest, out var consumed, out var message);
            _rest = _rest[consumed..];
            if (any)
                return message;
            int length;
            try
            {
                length = _stream.Read(_buffer);
            }
            catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
            {
                length = 0;
            }
            if (length == 0)
                return null;
            _rest = _buffer.AsMemory(0, length);
        }
    }

    public void Dispose()
    {
        _stream.Dispose();
        _tcp.Dispose();
    }
}
