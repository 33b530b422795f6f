using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace XLive.Server.Tests.Delivery;

/// <summary>
/// HTTP with nothing in between: sends the bytes given and reads exactly what a response announces, so that a byte too much shows as
/// rubbish in the next one. Blocking, with a deadline.
/// </summary>
public sealed class RawClient : IDisposable
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    public RawClient(IPEndPoint server, int receiveBuffer = 0, SslClientAuthenticationOptions? tls = null)
    {
        Socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        // Before the connection, or the window is already told.
        if (receiveBuffer > 0)
            Socket.ReceiveBufferSize = receiveBuffer;
        Socket.ReceiveTimeout = Socket.SendTimeout = (int)Until.Patience.TotalMilliseconds;
        Socket.Connect(server);
        if (tls is null)
            return;
        _records = new RecordWatch(new NetworkStream(Socket));
        Tls = new SslStream(_records);
        Tls.AuthenticateAsClient(tls);
    }

    public Socket Socket { get; }

    /// <summary>Null in clear.</summary>
    public SslStream? Tls { get; }

    /// <summary>The server's last record was an alert: the only one it sends of its own accord is close_notify.</summary>
    public bool WasToldGoodbye => _records!.LastIsAlert;

    private readonly RecordWatch? _records;

    public RawClient Send(ReadOnlySpan<byte> bytes)
    {
        Tls?.Write(bytes);
        while (Tls is null && bytes.Length > 0)
            bytes = bytes[Socket.Send(bytes)..];
        return this;
    }

    /// <summary>Bytes that came behind what was read so far.</summary>
    public int Unread => _end - _start;

    /// <summary>One character, one byte.</summary>
    public RawClient Send(string latin1) => Send(Encoding.Latin1.GetBytes(latin1));

    public static string Request(string method, string target, params string[] headers)
    {
        var text = new StringBuilder($"{method} {target} HTTP/1.1\r\nHost: test\r\n");
        foreach (var header in headers)
            text.Append(header).Append("\r\n");
        return text.Append("\r\n").ToString();
    }

    public Answer Ask(string method, string target, params string[] headers) =>
        Send(Request(method, target, headers)).Read(isHead: method == "HEAD");

    /// <summary>One response with its body.</summary>
    public Answer Read(bool isHead = false)
    {
        var head = ReadHead();
        if (isHead || head.Status is 204 or 304 or < 200)
            return head;
        if (head["Transfer-Encoding"] == "chunked")
            return head with { Body = ReadChunks() };
        if (head["Content-Length"] is null)
            return head with { Body = ReadToEnd(out _) };
        return head with { Body = ReadBody(head.ContentLength) };
    }

    public Answer ReadHead()
    {
        var line = ReadLine();
        Assert.StartsWith("HTTP/1.1 ", line);
        var headers = new List<KeyValuePair<string, string>>();
        for (var next = ReadLine(); next.Length > 0; next = ReadLine())
        {
            var colon = next.IndexOf(": ", StringComparison.Ordinal);
            Assert.True(colon > 0, "a header without a name: " + next);
            headers.Add(new(next[..colon], next[(colon + 2)..]));
        }
        return new Answer(line, headers, []);
    }

    private string ReadLine()
    {
        var line = new List<byte>();
        while (true)
        {
            if (_start == _end && Fill() == 0)
                throw new EndOfStreamException("the connection ended within a response's head, after: " + Encoding.Latin1.GetString([.. line]));
            var b = _buffer[_start++];
            if (b == '\n')
            {
                Assert.True(line.Count > 0 && line[^1] == '\r', "a line without CR");
                return Encoding.Latin1.GetString([.. line[..^1]]);
            }
            line.Add(b);
        }
    }

    private int Fill()
    {
        _start = 0;
        try
        {
            _end = 0;
            _end = Tls?.Read(_buffer) ?? Socket.Receive(_buffer);
        }
        catch (IOException e) when (e.InnerException is SocketException reset)
        {
            throw reset;
        }
        return _end;
    }

    public byte[] ReadBody(long length)
    {
        var body = new byte[length];
        var at = 0;
        ReadBody(length, piece =>
        {
            piece.CopyTo(body.AsSpan(at));
            at += piece.Length;
        });
        return body;
    }

    public void ReadBody(long length, Action<ReadOnlySpan<byte>> take)
    {
        while (length > 0)
        {
            if (_start == _end && Fill() == 0)
                throw new EndOfStreamException($"the body lacks {length} bytes");
            var n = (int)Math.Min(length, _end - _start);
            take(_buffer.AsSpan(_start, n));
            _start += n;
            length -= n;
        }
    }

    private byte[] ReadChunks()
    {
        var body = new List<byte>();
        while (true)
        {
            var size = int.Parse(ReadLine(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body.AddRange(ReadBody(size));
            Assert.Equal("", ReadLine());
            if (size == 0)
                return [.. body];
        }
    }

    private MemoryStream _received = new();

    /// <summary>What <see cref="ReadToEnd"/> had when it failed.</summary>
    public byte[] Received => _received.ToArray();

    /// <summary>All that still comes, and how the server ended it.</summary>
    public byte[] ReadToEnd(out Ending ending)
    {
        var all = _received = new MemoryStream();
        all.Write(_buffer, _start, _end - _start);
        _start = _end = 0;
        ending = Ending.Orderly;
        try
        {
            for (var n = Fill(); n > 0; n = Fill())
                all.Write(_buffer, 0, n);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            ending = Ending.Reset;
        }
        _start = _end = 0;
        return all.ToArray();
    }

    /// <summary>All bytes that this side's TCP has taken, read or not, once no more come: for half a second. A sender whose next segment is larger than
    /// the window sends the part that fits when its probe is due, one RTO later: 200 ms at least.</summary>
    public long SettledReceived()
    {
        var received = -1L;
        for (var still = 0; still < 50; Thread.Sleep(10))
        {
            var now = TcpReceived;
            still = now == received ? still + 1 : 0;
            received = now;
        }
        return received;
    }

    /// <summary>tcpi_bytes_received of tcp(7).</summary>
    public long TcpReceived
    {
        get
        {
            const int tcp = 6, tcpInfo = 11, bytesReceived = 128;
            Span<byte> info = stackalloc byte[bytesReceived + 8];
            Socket.GetRawSocketOption(tcp, tcpInfo, info);
            return System.Runtime.InteropServices.MemoryMarshal.Read<long>(info[bytesReceived..]);
        }
    }

    public void AssertEnded()
    {
        Assert.Empty(ReadToEnd(out var ending));
        Assert.Equal(Ending.Orderly, ending);
    }

    public void HalfClose() => Socket.Shutdown(SocketShutdown.Send);

    /// <summary>Ends as a killed player does: RST, nothing more is taken.</summary>
    public void Reset() => Socket.Close(0);

    public void Dispose()
    {
        Tls?.Dispose();
        _records?.Dispose();
        Socket.Dispose();
    }
}
