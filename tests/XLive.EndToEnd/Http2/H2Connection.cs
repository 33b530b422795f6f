using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace XLive.EndToEnd.Http2;

public enum FrameType : byte
{
    Data, Headers, Priority, RstStream, Settings, PushPromise, Ping, GoAway, WindowUpdate, Continuation,
}

public sealed record Frame(FrameType Type, byte Flags, int Stream, byte[] Payload)
{
    public const byte EndStream = 1, Ack = 1, EndHeaders = 4, Padded = 8;

    public int LastStream => BinaryPrimitives.ReadInt32BigEndian(Payload) & int.MaxValue;

    public uint Code => BinaryPrimitives.ReadUInt32BigEndian(Type == FrameType.GoAway ? Payload.AsSpan(4) : Payload);
}

/// <summary>HTTP/2 over TLS with nothing in between: sends the frames given, right or wrong, and reads what comes.</summary>
public sealed class H2Connection : IDisposable
{
    readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    readonly SslStream _tls;

    /// <param name="protocol">Null for HTTP/2.</param>
    public H2Connection(int port, SslApplicationProtocol? protocol = null)
    {
        _socket.ReceiveTimeout = _socket.SendTimeout = 15_000;
        _socket.Connect("127.0.0.1", port);
        _tls = new SslStream(new NetworkStream(_socket, ownsSocket: true));
        _tls.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ApplicationProtocols = [protocol ?? SslApplicationProtocol.Http2],
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost",
        });
    }

    public static byte[] Preface { get; } = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8];

    public H2Connection Send(params ReadOnlySpan<byte[]> pieces)
    {
        foreach (var piece in pieces)
        {
            _tls.Write(piece);
        }
        return this;
    }

    /// <summary>The preface and settings, so that any frame may follow.</summary>
    public H2Connection Begin() => Send([.. Preface, .. Settings()]);

    public TimeSpan ReceiveLimit { set => _socket.ReceiveTimeout = (int)value.TotalMilliseconds; }

    /// <summary>How long a send may be kept waiting by a server that takes no more.</summary>
    public TimeSpan SendLimit { set => _socket.SendTimeout = (int)value.TotalMilliseconds; }

    public string ReadToEnd()
    {
        using var reader = new StreamReader(_tls, Encoding.Latin1, leaveOpen: true);
        return reader.ReadToEnd();
    }

    /// <summary>Null at the connection's end, however it came.</summary>
    public Frame? Read()
    {
        try
        {
            var head = new byte[9];
            _tls.ReadExactly(head);
            var payload = new byte[head[0] << 16 | head[1] << 8 | head[2]];
            _tls.ReadExactly(payload);
            return new Frame((FrameType)head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)) & int.MaxValue, payload);
        }
        catch (EndOfStreamException)
        {
            return null;
        }
        catch (IOException e) when (e.InnerException is not SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock })
        {
            return null;
        }
    }

    public static byte[] Raw(byte type, byte flags, int stream, ReadOnlySpan<byte> payload, int? length = null)
    {
        var frame = new byte[9 + payload.Length];
        var announced = length ?? payload.Length;
        (frame[0], frame[1], frame[2], frame[3], frame[4]) = ((byte)(announced >> 16), (byte)(announced >> 8), (byte)announced, type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    public static byte[] Of(FrameType type, byte flags, int stream, params ReadOnlySpan<byte> payload) => Raw((byte)type, flags, stream, payload);

    public static byte[] Settings() => Raw(4, 0, 0, []);

    public static byte[] Settings(int id, long value) => Raw(4, 0, 0, [(byte)(id >> 8), (byte)id, .. Number((uint)value)]);

    public static byte[] Number(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>Literal fields that no table remembers (RFC 7541 section 6.2.2); one character, one byte.</summary>
    public static byte[] Fields(params ReadOnlySpan<(string Name, string Value)> fields)
    {
        var block = new List<byte>();
        foreach (var (name, value) in fields)
        {
            block.Add(0);
            Literal(block, name);
            Literal(block, value);
        }
        return [.. block];
    }

    static void Literal(List<byte> block, string text)
    {
        // RFC 7541 section 5.1, with a prefix of 7 bits.
        if (text.Length < 127)
        {
            block.Add((byte)text.Length);
        }
        else
        {
            block.Add(127);
            var rest = text.Length - 127;
            for (; rest >= 128; rest >>= 7)
            {
                block.Add((byte)(rest & 127 | 128));
            }
            block.Add((byte)rest);
        }
        block.AddRange(Encoding.Latin1.GetBytes(text));
    }

    public static byte[] Get(string path, params ReadOnlySpan<(string Name, string Value)> more) =>
        Fields([(":method", "GET"), (":scheme", "https"), (":path", path), (":authority", "localhost"), .. more]);

    public static byte[] Request(int stream, string path = "/a.ts", params ReadOnlySpan<(string Name, string Value)> more) =>
        Of(FrameType.Headers, Frame.EndHeaders | Frame.EndStream, stream, Get(path, more));

    /// <summary>At once and from any thread.</summary>
    public void Close() => _socket.Close();

    public void Dispose()
    {
        _tls.Dispose();
        _socket.Dispose();
    }
}
