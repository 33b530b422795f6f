using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Tls;

namespace XLive.Server.Tests.Endurance;

public sealed class ShortHeadServer : SharedServer
{
    public const double Limit = 2;

    // Beyond the limit: two seconds for an answer and a sweep each second; or, for the body of a request that is answered, Kestrel's five.
    public const double Latest = Limit + 5 + 2;

    public int TlsPort { get; } = FreePort.Next();

    protected override string[] Settings => ["--server.header_timeout=2s", "--auth.admin_password=slow-peer-tests",
        .. TestAuthority.SelfSigned().Options(Directory.CreateTempSubdirectory("xlive-slow-").FullName, TlsPort)];
}

/// <summary>Who does not bring his request, or only ever a little more of it, is cut in time; the bar is header_timeout and a few seconds.</summary>
public sealed class SlowHeadTests(ShortHeadServer shared) : IClassFixture<ShortHeadServer>
{
    private const int Attackers = 40;
    private readonly TestServer _server = shared.Server;

    [Theory]
    [InlineData("")]
    [InlineData("G")]
    [InlineData("GET /films/a.ts HTTP/1.1\r\n")]
    [InlineData("GET /films/a.ts HTTP/1.1\r\nHost: x\r\nX-Half: ")]
    [InlineData("\r\n")]
    public void A_head_that_does_not_come_is_not_waited_for(string beginning)
    {
        var clock = Stopwatch.StartNew();
        var clients = Clients();
        foreach (var client in clients)
            client.Send(beginning);
        AllCut(clients, clock);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\u0016")]
    [InlineData("\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003")]
    public void A_handshake_that_does_not_come_is_not_waited_for(string beginning)
    {
        var clock = Stopwatch.StartNew();
        var clients = Enumerable.Range(0, Attackers).Select(_ => new RawClient(new IPEndPoint(IPAddress.Loopback, shared.TlsPort))).ToList();
        foreach (var client in clients)
            client.Send(beginning);
        AllCut(clients, clock);
    }

    [Theory]
    [InlineData("http/1.1", "GET /films/a.ts HTTP/1.1\r\nX-Half: ")]
    [InlineData("h2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000\u0004\u0000\u0000\u0000\u0000\u0000")] // empty SETTINGS, no request
    public void Nor_is_a_head_behind_a_whole_handshake(string protocol, string beginning)
    {
        using var client = new RawClient(new IPEndPoint(IPAddress.Loopback, shared.TlsPort));
        using var tls = new SslStream(new NetworkStream(client.Socket));
        tls.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ApplicationProtocols = [new SslApplicationProtocol(protocol)],
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null, // made a moment ago, signed by nobody
        });
        var clock = Stopwatch.StartNew();
        tls.Write(Encoding.Latin1.GetBytes(beginning));
        try
        {
            while (tls.Read(new byte[4096]) > 0)
            {
            }
        }
        catch (IOException)
        {
            // Reset.
        }
        Assert.InRange(clock.Elapsed.TotalSeconds, 1, ShortHeadServer.Latest);
    }

    [Fact]
    public void A_head_that_trickles_is_not_waited_for()
    {
        var clients = Clients();
        foreach (var client in clients)
            client.Send("GET /films/a.ts HTTP/1.1\r\nHost: x\r\n");
        var clock = Stopwatch.StartNew();
        var line = 0;
        AllCut(clients, clock, client => client.Send($"X-{line++}: a\r\n"));
    }

    [Fact]
    public void On_a_kept_connection_the_second_head_has_no_more_time()
    {
        var clients = Clients();
        foreach (var client in clients)
        {
            Assert.Equal(200, client.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
            client.Send("GET /films/a.ts HTTP/1.1\r\n");
        }
        AllCut(clients, Stopwatch.StartNew());
    }

    [Theory]
    [InlineData("POST", "/login", "Content-Length: 4000", "{\"")]
    [InlineData("POST", "/login", "Transfer-Encoding: chunked", "fa0\r\n{\"")]
    [InlineData("POST", "/films/a.ts", "Content-Length: 2000", "x")]
    [InlineData("GET", "/films/a.ts", "Content-Length: 1000000", "x")]
    public void A_body_that_trickles_is_not_waited_for(string method, string target, string framing, string beginning)
    {
        var clients = Clients();
        foreach (var client in clients)
            client.Send($"{method} {TestServer.Signed(target)} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{framing}\r\n\r\n{beginning}");
        // Well above Kestrel's own floor of 240 bytes a second.
        AllCut(clients, Stopwatch.StartNew(), client => client.Send(new string('x', 100)));
    }

    [Fact]
    public void A_body_that_comes_in_pieces_within_the_time_is_read()
    {
        using var client = _server.Connect();
        const string body = "{\"username\":\"admin\",\"password\":\"slow-peer-tests\"}";
        client.Send($"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n");
        foreach (var half in (string[])[body[..20], body[20..]])
        {
            Thread.Sleep(500);
            client.Send(half);
        }
        Assert.Equal(200, client.Read().Status);
    }

    private List<RawClient> Clients() => [.. Enumerable.Range(0, Attackers).Select(_ => _server.Connect())];

    /// <summary>What came before the end, where anything did, says 408, 4xx in general, or is the answer to an earlier request.</summary>
    private void AllCut(List<RawClient> clients, Stopwatch clock, Action<RawClient>? everyQuarterSecond = null)
    {
        var open = new List<RawClient>(clients);
        try
        {
            while (open.Count > 0)
            {
                Assert.True(clock.Elapsed.TotalSeconds < ShortHeadServer.Latest, $"{open.Count} of {clients.Count} still open after {clock.Elapsed}");
                open.RemoveAll(client => client.Socket.Poll(0, SelectMode.SelectRead) && HasEnded(client, clock));
                Thread.Sleep(250);
                foreach (var client in open)
                    Try(() => everyQuarterSecond?.Invoke(client));
            }
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
        Until.True(() => _server.ConnectionsOpen == 0, "no connection is left");
        Assert.Equal(200, _server.Fetch("/films/a.ts").Status);
    }

    private static bool HasEnded(RawClient client, Stopwatch clock)
    {
        var said = "";
        var buffer = new byte[4096];
        try
        {
            // Only what is there: an answer may stand before the end.
            while (client.Socket.Poll(0, SelectMode.SelectRead))
            {
                var n = client.Socket.Receive(buffer);
                if (n == 0)
                    break;
                said += Encoding.Latin1.GetString(buffer, 0, n);
                Assert.True(said.Length < 100_000);
                if (!client.Socket.Poll(0, SelectMode.SelectRead))
                    return false;
            }
        }
        catch (SocketException)
        {
            // Reset.
        }
        // Media answers 405 or the file and then waits for the body; a head is answered only when its time is over.
        if (said.StartsWith("HTTP/1.1 408", StringComparison.Ordinal) || said.Length == 0)
            Assert.True(clock.Elapsed.TotalSeconds > 0.5, $"cut after {clock.Elapsed}");
        return true;
    }

    private static void Try(Action action)
    {
        try
        {
            action();
        }
        catch (SocketException)
        {
            // Cut meanwhile.
        }
    }
}
