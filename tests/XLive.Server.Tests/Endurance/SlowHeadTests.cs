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
    private const int Attackers = 12;
    private readonly TestServer _server = shared.Server;

    /// <summary>Some connections that do the same, from now on.</summary>
    private sealed record Attack(string What, List<RawClient> Clients, Action<RawClient>? EveryQuarterSecond = null)
    {
        private readonly Stopwatch _clock = Stopwatch.StartNew();

        public double Seconds => _clock.Elapsed.TotalSeconds;
    }

    /// <summary>All of it at once: nobody's silence is another's time.</summary>
    [Fact]
    public void What_does_not_come_or_trickles_is_not_waited_for()
    {
        var line = 0;
        AllCut([
            .. ((string[])["", "G", "GET /films/a.ts HTTP/1.1\r\n", "GET /films/a.ts HTTP/1.1\r\nHost: x\r\nX-Half: ", "\r\n"]).Select(head => Say(_server.Port, "a head", head)),
            .. ((string[])["", "\u0016", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003"]).Select(hello => Say(shared.TlsPort, "a handshake", hello)),
            Encrypted("http/1.1", "GET /films/a.ts HTTP/1.1\r\nX-Half: "),
            // Empty SETTINGS, no request.
            Encrypted("h2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000\u0004\u0000\u0000\u0000\u0000\u0000"),
            Say(_server.Port, "a head that trickles", "GET /films/a.ts HTTP/1.1\r\nHost: x\r\n") with { EveryQuarterSecond = client => client.Send($"X-{line++}: a\r\n") },
            SecondHead(),
            Body("POST", "/login", "Content-Length: 4000", "{\""),
            Body("POST", "/login", "Transfer-Encoding: chunked", "fa0\r\n{\""),
            Body("POST", "/films/a.ts", "Content-Length: 2000", "x"),
            Body("GET", "/films/a.ts", "Content-Length: 1000000", "x"),
        ]);
    }

    private static Attack Say(int port, string what, string beginning)
    {
        List<RawClient> clients = [.. Enumerable.Range(0, Attackers).Select(_ => new RawClient(new IPEndPoint(IPAddress.Loopback, port)))];
        clients.ForEach(c => c.Send(beginning));
        return new Attack($"{what}: '{beginning}'", clients);
    }

    private Attack Encrypted(string protocol, string beginning)
    {
        var client = new RawClient(new IPEndPoint(IPAddress.Loopback, shared.TlsPort), tls: new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ApplicationProtocols = [new SslApplicationProtocol(protocol)],
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null, // made a moment ago, signed by nobody
        });
        return new Attack($"a head behind a whole handshake: '{beginning}'", [client.Send(beginning)]);
    }

    private Attack SecondHead()
    {
        List<RawClient> clients = [.. Enumerable.Range(0, Attackers).Select(_ => _server.Connect())];
        foreach (var client in clients)
        {
            Assert.Equal(200, client.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
            client.Send("GET /films/a.ts HTTP/1.1\r\n");
        }
        return new Attack("the second head on a kept connection", clients);
    }

    // Well above Kestrel's own floor of 240 bytes a second.
    private Attack Body(string method, string target, string framing, string beginning) =>
        Say(_server.Port, "a body that trickles", $"{method} {TestServer.Signed(target)} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{framing}\r\n\r\n{beginning}")
            with { EveryQuarterSecond = static client => client.Send(new string('x', 100)) };

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

    /// <summary>What came before the end, where anything did, says 408, 4xx in general, or is the answer to an earlier request.</summary>
    private void AllCut(List<Attack> attacks)
    {
        var open = attacks.SelectMany(static a => a.Clients, static (a, c) => (Attack: a, Client: c)).ToList();
        try
        {
            while (open.Count > 0)
            {
                Assert.Empty(open.Where(static o => o.Attack.Seconds > ShortHeadServer.Latest)
                    .GroupBy(static o => o.Attack, static (attack, all) => $"{all.Count()} open after {attack.Seconds:0.0} s: {attack.What}"));
                open.RemoveAll(static o => o.Client.Socket.Poll(0, SelectMode.SelectRead) && HasEnded(o.Client, o.Attack));
                Thread.Sleep(250);
                foreach (var (attack, client) in open)
                    Try(() => attack.EveryQuarterSecond?.Invoke(client));
            }
        }
        finally
        {
            attacks.ForEach(static a => a.Clients.ForEach(static c => c.Dispose()));
        }
        Until.True(() => _server.ConnectionsOpen == 0, "no connection is left");
        Assert.Equal(200, _server.Fetch("/films/a.ts").Status);
    }

    private static bool HasEnded(RawClient client, Attack attack)
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
            Assert.True(attack.Seconds > 0.5, $"cut after {attack.Seconds:0.0} s: {attack.What}");
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
