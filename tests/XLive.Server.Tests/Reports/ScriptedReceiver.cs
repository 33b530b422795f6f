using System.Net;
using System.Net.Sockets;
using System.Text;

namespace XLive.Server.Tests.Reports;

/// <summary>What came in one POST.</summary>
public sealed record Received(Dictionary<string, string> Headers, byte[] Body)
{
    public string Target { get; init; } = "";

    public string Id => Headers["Idempotency-Key"];
}

/// <summary>A receiver of reports that answers what the test says, on the wire: late, in drops, with anything, or not at all.</summary>
public sealed class ScriptedReceiver : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Received> _received = [];

    public ScriptedReceiver()
    {
        _listener.Start();
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/reports";

    /// <summary>Given the request's number, from 0 on, and its socket.</summary>
    public Action<int, Socket> Answer { get; set; } = static (_, socket) => Say(socket, "200 OK", "");

    public List<Received> All
    {
        get { lock (_received) return [.. _received]; }
    }

    public static void Say(Socket socket, string status, string body, string header = "") =>
        socket.Send(Encoding.UTF8.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n{header}\r\n{body}"));

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.AcceptSocket();
                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            using var reader = new BufferedStream(new NetworkStream(socket));
            while (Read(reader) is { } request)
            {
                int number;
                lock (_received)
                {
                    number = _received.Count;
                    _received.Add(request);
                }
                Answer(number, socket);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // It went, or the script closed it.
        }
    }

    private static Received? Read(Stream from)
    {
        var head = new List<byte>();
        while (head.Count < 4 || Encoding.ASCII.GetString([.. head[^4..]]) != "\r\n\r\n")
        {
            var b = from.ReadByte();
            if (b < 0)
                return null;
            head.Add((byte)b);
        }
        var lines = Encoding.ASCII.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines[1..].Select(static l => l.Split(": ", 2)).ToDictionary(static l => l[0], static l => l[1], StringComparer.OrdinalIgnoreCase);
        var body = new byte[int.Parse(headers["Content-Length"], System.Globalization.CultureInfo.InvariantCulture)];
        from.ReadExactly(body);
        return new Received(headers, body) { Target = lines[0].Split(' ')[1] };
    }

    public void Dispose() => _listener.Dispose();
}
