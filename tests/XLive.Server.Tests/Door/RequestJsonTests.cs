using System.Net.Sockets;
using System.Text;
using XLive.Server.Tests.Accounts;

namespace XLive.Server.Tests.Door;

public sealed class RequestJsonTests
{
    private const string Json = "{\"refresh_token\":\"none\"}";

    [Theory]
    [InlineData("Content-Length: 24\r\n\r\n" + Json, "401")]
    [InlineData("Content-Length: 16385\r\n\r\n", "413")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n18\r\n" + Json + "\r\n0\r\n\r\n", "401")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "400")]
    [InlineData("Content-Length: 0\r\n\r\n", "400")]
    public async Task A_body_is_read_whole_or_refused(string rest, string status)
    {
        await using AccountsHost host = await AccountsHost.StartAsync();
        string answer = await Exchange(host, $"POST /refresh HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{rest}");
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Contains("\"request_id\"", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Content-Length: 100\r\n\r\n" + Json)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n18\r\n" + Json)]
    public async Task A_body_that_breaks_off_is_nobodys_fault(string rest)
    {
        await using AccountsHost host = await AccountsHost.StartAsync();
        // Kestrel takes a half-closed connection for a closed one, so there may be no answer; a 500 in the log would be wrong.
        string answer = await Exchange(host, $"POST /refresh HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{rest}", breaksOff: true);
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal), answer);
        await host.SignIn();
        Assert.DoesNotContain("error", host.AllLogs, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_chunked_body_is_not_kept()
    {
        await using AccountsHost host = await AccountsHost.StartAsync();
        string chunk = $"1000\r\n{new string(' ', 4096)}\r\n";
        string answer = await Exchange(host,
            $"POST /refresh HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{string.Concat(Enumerable.Repeat(chunk, 5))}0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 413 ", answer, StringComparison.Ordinal);
    }

    private static async Task<string> Exchange(AccountsHost host, string request, bool breaksOff = false)
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", host.Http.BaseAddress!.Port, stop);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), stop);
        using NetworkStream stream = new(socket);
        if (breaksOff)
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        // To the end of the problem and not of the connection: Kestrel waits five seconds there for the body that it refused.
        StringBuilder answer = new();
        byte[] buffer = new byte[4096];
        try
        {
            int read;
            while (!(answer.Length > 0 && answer[^1] == '}') && (read = await stream.ReadAsync(buffer, stop)) > 0)
            {
                answer.Append(Encoding.ASCII.GetString(buffer, 0, read));
            }
        }
        catch (IOException) when (breaksOff)
        {
        }
        return answer.ToString();
    }
}
