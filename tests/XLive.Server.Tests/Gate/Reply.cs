using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace XLive.Server.Tests.Gate;

/// <summary>A response as it came over the wire.</summary>
internal sealed record Reply(int Status, ILookup<string, string> Headers, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);

    public string? this[string header] => Headers[header].SingleOrDefault();

    /// <summary>One request on a connection of its own, byte for byte as written here: no client library mends the target.</summary>
    /// <param name="from">The local address to come from: all of 127.0.0.0/8 is ours.</param>
    public static Task<Reply> Of(int port, string method, string target, string? from = null, params string[] headers) =>
        Sent(port, Request(method, target, [.. headers, "Connection: close"]), from);

    public static Task<Reply> Post(int port, string target, string json, params string[] headers)
    {
        var body = Encoding.UTF8.GetBytes(json);
        return Sent(port, [.. Request("POST", target, [.. headers, "Connection: close", "Content-Type: application/json", $"Content-Length: {body.Length}"]), .. body]);
    }

    private static async Task<Reply> Sent(int port, byte[] request, string? from = null)
    {
        using var socket = await Connect(port, from);
        await socket.SendAsync(request);
        var received = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await socket.ReceiveAsync(buffer) is > 0 and var n)
            received.Write(buffer, 0, n);
        return Parse(received.ToArray());
    }

    public static async Task<Socket> Connect(int port, string? from = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (from is not null)
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return socket;
    }

    public static byte[] Request(string method, string target, params string[] headers)
    {
        var lines = new List<string> { $"{method} {target} HTTP/1.1" };
        if (!headers.Any(h => h.StartsWith("Host:", StringComparison.Ordinal)))
            lines.Add("Host: localhost");
        return Encoding.Latin1.GetBytes(string.Join("\r\n", lines.Concat(headers)) + "\r\n\r\n");
    }

    /// <summary>The next response of a connection that is kept; its body by Content-Length.</summary>
    public static async Task<Reply> Next(Socket socket)
    {
        var received = new List<byte>();
        var one = new byte[1];
        while (!(received.Count >= 4 && received[^4] == '\r' && received[^3] == '\n' && received[^2] == '\r' && received[^1] == '\n'))
        {
            if (await socket.ReceiveAsync(one) == 0)
                throw new EndOfStreamException($"closed after {received.Count} bytes of a head");
            received.Add(one[0]);
        }
        var head = Parse([.. received]);
        var body = new byte[int.Parse(head["Content-Length"] ?? "0", CultureInfo.InvariantCulture)];
        for (var at = 0; at < body.Length;)
        {
            var n = await socket.ReceiveAsync(body.AsMemory(at));
            if (n == 0)
                throw new EndOfStreamException($"closed after {at} bytes of {body.Length}");
            at += n;
        }
        return head with { Body = body };
    }

    private static Reply Parse(byte[] received)
    {
        var end = received.AsSpan().IndexOf("\r\n\r\n"u8);
        Assert.True(end > 0, $"no response head in {received.Length} bytes");
        var lines = Encoding.Latin1.GetString(received, 0, end).Split("\r\n");
        var headers = lines.Skip(1).Select(l => l.Split(": ", 2)).ToLookup(h => h[0], h => h[1], StringComparer.OrdinalIgnoreCase);
        return new Reply(int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture), headers, received[(end + 4)..]);
    }
}
