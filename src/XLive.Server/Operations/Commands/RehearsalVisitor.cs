using System.Net;
using System.Net.Sockets;
using System.Text;

namespace XLive.Server.Operations.Commands;

/// <summary>Asks over a real socket, one connection a request, and takes whatever comes. The base library's client would be three assemblies more.</summary>
internal sealed class RehearsalVisitor(int port)
{
    public Task<string> AskAsync(string method, string target, params string[] headers) =>
        SayAsync($"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{string.Concat(headers.Select(h => h + "\r\n"))}\r\n");

    public Task<string> PostAsync(string target, string json) => BodyAsync("POST", target, json);

    public Task<string> BodyAsync(string method, string target, string json, params string[] headers) =>
        SayAsync($"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
            + $"Content-Length: {json.Length}\r\n{string.Concat(headers.Select(h => h + "\r\n"))}\r\n{json}");

    public async Task<string> SayAsync(string request)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request));
        byte[] answer = new byte[16 * 1024], rest = new byte[16 * 1024];
        var length = 0;
        try
        {
            // The beginning is enough to read something from; the rest is heard and forgotten.
            for (int got; (got = await socket.ReceiveAsync(length < answer.Length ? answer.AsMemory(length) : rest)) > 0;)
                length = Math.Min(length + got, answer.Length);
        }
        catch (SocketException)
        {
            // A request that is none is answered and reset.
        }
        return Encoding.ASCII.GetString(answer, 0, length);
    }

    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>A text of the JSON in an answer, or nothing.</summary>
    public static string Field(string answer, string name)
    {
        var start = answer.IndexOf($"\"{name}\":\"", StringComparison.Ordinal);
        if (start < 0)
            return "";
        start += name.Length + 4;
        return answer[start..answer.IndexOf('"', start)];
    }
}
