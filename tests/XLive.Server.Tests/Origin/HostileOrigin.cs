using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace XLive.Server.Tests.Origin;

/// <summary>A request as it came over the wire, every byte of its head.</summary>
/// <param name="Connection">Number of the connection it came on, from 0 on.</param>
internal sealed record Heard(string Head, int Connection)
{
    public string Line => Head[..Head.IndexOf("\r\n", StringComparison.Ordinal)];

    public string Target => Line.Split(' ')[1];

    public string? this[string name] => Head.Split("\r\n").Skip(1).Where(l => l.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
        .Select(l => l[(name.Length + 1)..].Trim()).FirstOrDefault();

    /// <summary>Of "bytes=7-9", or 0 and -1 without a range.</summary>
    public (long First, long Last) Range
    {
        get
        {
            if (this["Range"] is not { } range)
                return (0, -1);
            var parts = range["bytes=".Length..].Split('-');
            return (long.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture),
                parts[1].Length == 0 ? -1 : long.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture));
        }
    }
}

/// <summary>An origin that answers what the test says, byte by byte: wrong, late, in drops, cut off, or not at all.</summary>
internal sealed class HostileOrigin : IDisposable
{
    private readonly TcpListener _listener;
    private readonly X509Certificate2? _certificate;
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly List<Heard> _asked = [];
    private int _connections;

    /// <param name="answer">Given each request, its number from 0 on, and the wire.</param>
    public HostileOrigin(Action<Heard, int, Wire> answer, X509Certificate2? certificate = null, int port = 0)
    {
        Answer = answer;
        _certificate = certificate;
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public int Port { get; }

    public string Url => $"{(_certificate is null ? "http" : "https")}://127.0.0.1:{Port}";

    public Action<Heard, int, Wire> Answer { get; set; }

    public int Connections => Volatile.Read(ref _connections);

    public IReadOnlyList<Heard> Asked
    {
        get { lock (_asked) return [.. _asked]; }
    }

    /// <summary>A well-behaved server of one file: ranges, If-Range, HEAD.</summary>
    public static Action<Heard, int, Wire> File(byte[] body, string tag = "\"v1\"") => (heard, _, wire) =>
    {
        var (first, last) = heard.Range;
        var isPart = heard["Range"] is not null && (heard["If-Range"] is not { } wanted || wanted == tag);
        if (!isPart)
            first = 0;
        if (!isPart || last < 0 || last >= body.Length)
            last = body.Length - 1;
        wire.Say(isPart
            ? $"HTTP/1.1 206 Partial Content\r\nETag: {tag}\r\nContent-Range: bytes {first}-{last}/{body.Length}\r\nContent-Length: {last - first + 1}\r\n\r\n"
            : $"HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Length: {body.Length}\r\n\r\n");
        if (!heard.Line.StartsWith("HEAD ", StringComparison.Ordinal))
            wire.Send(body.AsSpan((int)first, (int)(last - first + 1)));
    };

    public static byte[] Bytes(int count, int seed = 1)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.AcceptSocket();
                socket.NoDelay = true;
                _sockets.Add(socket);
                var number = Interlocked.Increment(ref _connections) - 1;
                new Thread(() => Serve(socket, number)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private void Serve(Socket socket, int connection)
    {
        try
        {
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (_certificate is not null)
            {
                var tls = new SslStream(stream);
                tls.AuthenticateAsServer(_certificate);
                stream = tls;
            }
            using var wire = new Wire(socket, stream);
            while (!wire.IsOver && Read(stream) is { } head)
            {
                var heard = new Heard(head, connection);
                int number;
                lock (_asked)
                {
                    number = _asked.Count;
                    _asked.Add(heard);
                }
                Answer(heard, number, wire);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
        {
            // The client went, or the script closed it.
        }
    }

    private static string? Read(Stream from)
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            var b = from.ReadByte();
            if (b < 0)
                return null;
            head.Append((char)b);
        }
        return head.ToString();
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var socket in _sockets)
            socket.Dispose();
    }

    /// <summary>One connection, as the script writes on it.</summary>
    internal sealed class Wire(Socket socket, Stream stream) : IDisposable
    {
        public bool IsOver { get; private set; }

        public Wire Say(string text) => Send(Encoding.Latin1.GetBytes(text));

        public Wire Send(ReadOnlySpan<byte> bytes)
        {
            stream.Write(bytes);
            stream.Flush();
            return this;
        }

        /// <summary>A FIN.</summary>
        public void Close()
        {
            IsOver = true;
            stream.Dispose();
        }

        /// <summary>An RST.</summary>
        public void Reset()
        {
            IsOver = true;
            socket.LingerState = new LingerOption(true, 0);
            socket.Close();
        }

        public void Dispose() => stream.Dispose();
    }
}
