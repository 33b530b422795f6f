using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using XLive.Server.Door.Clients;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Tls;

namespace XLive.Server.Tests.Gate;

/// <summary>PROXY headers over real sockets: a trusted proxy on 127.0.0.1, strangers everywhere else in 127.0.0.0/8.</summary>
public sealed class ProxyProtocolTests
{
    private const string Proxies = "trusted_proxies: [127.0.0.1, 10.0.0.0/8]\n";
    private const string Line = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
    private const string Address = " 192.0.2.7 \"";

    private static readonly byte[] Binary =
        [.. "\r\n\r\n\0\r\nQUIT\n"u8, 0x21, 0x11, 0, 12, 192, 0, 2, 7, 198, 51, 100, 1, 0xDC, 0x04, 0x01, 0xBB];

    public static TheoryData<string> Headers => [Line, Encoding.Latin1.GetString(Binary)];

    [Theory]
    [MemberData(nameof(Headers))]
    public async Task Connection_is_the_clients_from_then_on(string header)
    {
        await using var server = await GateServer.StartAsync(Proxies);
        using var connection = await Reply.Connect(server.Port);
        await connection.SendAsync(Encoding.Latin1.GetBytes(header).Concat(Reply.Request("GET", server.Link(Films.Segment) + "&n=1")).ToArray());
        Assert.Equal(200, (await Reply.Next(connection)).Status);
        await connection.SendAsync(Reply.Request("GET", server.Link(Films.Segment) + "&n=2"));
        Assert.Equal(200, (await Reply.Next(connection)).Status);
        Assert.Contains(Address, await server.AccessLine(l => l.Contains("n=1", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains(Address, await server.AccessLine(l => l.Contains("n=2", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Headers))]
    public async Task Header_may_come_byte_by_byte(string header)
    {
        await using var server = await GateServer.StartAsync(Proxies);
        using var connection = await Reply.Connect(server.Port);
        connection.NoDelay = true;
        foreach (var b in Encoding.Latin1.GetBytes(header).Concat(Reply.Request("GET", "/health?slow")))
        {
            await connection.SendAsync(new[] { b });
            await Task.Yield();
        }
        Assert.Equal(200, (await Reply.Next(connection)).Status);
        Assert.Contains(Address, await server.AccessLine(l => l.Contains("?slow", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Headers))]
    public async Task Strangers_header_is_a_bad_request(string header)
    {
        await using var server = await GateServer.StartAsync(Proxies);
        using var connection = await Reply.Connect(server.Port, "127.0.0.9");
        await connection.SendAsync(Encoding.Latin1.GetBytes(header).Concat(Reply.Request("GET", "/health?stranger")).ToArray());
        Assert.Equal(400, (await Reply.Next(connection)).Status);
        await server.Get("/health?last");
        await server.AccessLine(l => l.Contains("?last", StringComparison.Ordinal));
        Assert.DoesNotContain("192.0.2.7", server.AllOutput(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Proxy_may_come_without_a_header()
    {
        await using var server = await GateServer.StartAsync(Proxies);
        Assert.Equal(200, (await server.Get("/health?plain")).Status);
        Assert.Contains(" 127.0.0.1 \"", await server.AccessLine(l => l.Contains("?plain", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Proxys_own_connection_is_its_own()
    {
        await using var server = await GateServer.StartAsync(Proxies);
        byte[] local = [.. "\r\n\r\n\0\r\nQUIT\n"u8, 0x20, 0, 0, 0];
        foreach (var (header, query) in ((byte[], string)[])[(local, "local"), ("PROXY UNKNOWN\r\n"u8.ToArray(), "unknown")])
        {
            using var connection = await Reply.Connect(server.Port);
            await connection.SendAsync(header.Concat(Reply.Request("GET", "/health?" + query)).ToArray());
            Assert.Equal(200, (await Reply.Next(connection)).Status);
            Assert.Contains(" 127.0.0.1 \"", await server.AccessLine(l => l.Contains("?" + query, StringComparison.Ordinal)), StringComparison.Ordinal);
        }
    }

    // A proxy that passes bytes on passes on what a stranger wrote into them.
    [Fact]
    public async Task What_a_proxied_stranger_forwards_does_not_count()
    {
        await using var server = await GateServer.StartAsync(Proxies);
        async Task<string> LineOf(string header, string query)
        {
            using var connection = await Reply.Connect(server.Port);
            await connection.SendAsync(Encoding.Latin1.GetBytes(header)
                .Concat(Reply.Request("GET", "/health?" + query, "X-Forwarded-For: 203.0.113.5")).ToArray());
            Assert.Equal(200, (await Reply.Next(connection)).Status);
            return await server.AccessLine(l => l.Contains("?" + query, StringComparison.Ordinal));
        }

        Assert.Contains(Address, await LineOf(Line, "stranger"), StringComparison.Ordinal);
        Assert.Contains(" 203.0.113.5 \"", await LineOf(Line.Replace("192.0.2.7", "10.0.0.2", StringComparison.Ordinal), "chain"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Faulty_header_ends_the_connection_and_is_in_the_audit_log()
    {
        await using var server = await GateServer.StartAsync(Proxies);
        using var client = new RawClient(new IPEndPoint(IPAddress.Loopback, server.Port));
        client.Send("PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n");
        Assert.Empty(client.ReadToEnd(out _));
        Assert.Contains("PROXY header: an address or a port is not one", string.Join('\n', server.LogLines("audit.log")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.7 ")]
    [InlineData("P")]
    [InlineData("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c")]
    public async Task Half_a_header_is_cut_in_the_time_of_a_head_and_holds_up_nobody(string half)
    {
        await using var server = await TestServer.StartAsync("--access.trusted_proxies=[127.0.0.1]", "--server.header_timeout=1s");
        server.Write("/a.ts", "film");
        var clock = Stopwatch.StartNew();
        var halves = Enumerable.Range(0, 50).Select(_ => server.Connect().Send(half)).ToList();
        Assert.Equal(200, server.Fetch("/a.ts").Status);
        foreach (var client in halves)
        {
            Assert.Empty(client.ReadToEnd(out _));
            client.Dispose();
        }
        Assert.InRange(clock.Elapsed.TotalSeconds, 0.9, 10);
        Until.Equal(0, () => server.ConnectionsOpen, "connections open");
        Assert.Contains("not whole within server.header_timeout", server.Log("audit.log"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Silent_connection_does_not_hold_up_the_end()
    {
        var server = await TestServer.StartAsync("--access.trusted_proxies=[127.0.0.1]", "--server.drain_timeout=30s");
        using var silent = server.Connect();
        using var half = server.Connect().Send("PROXY TCP");
        Until.Equal(2, () => server.ConnectionsOpen, "connections open");
        var clock = Stopwatch.StartNew();
        await server.DisposeAsync();
        // The server is given two seconds before it must abort what is left.
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 1.8);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", "127.0.0.1")]
    [InlineData("::1", "::1", "::1")]
    [InlineData("*", "127.0.0.1", "127.0.0.1")]
    [InlineData("*", "::1", "::1")]
    [InlineData("*", "127.0.0.1", "::ffff:127.0.0.0/104")]
    public async Task Both_families_at_every_kind_of_address(string host, string to, string trusted)
    {
        await using var server = await TestServer.StartAsync($"--server.host={host}", $"--access.trusted_proxies=[\"{trusted}\"]");
        RawClient Connect() => new(new IPEndPoint(IPAddress.Parse(to), server.Port));
        string LogOf(string query)
        {
            string? line = null;
            Until.True(() => (line = server.Log("access.log").Split('\n').FirstOrDefault(l => l.Contains(query, StringComparison.Ordinal))) is not null, query);
            return line!;
        }

        using (var plain = Connect())
            Assert.Equal(200, plain.Ask("GET", "/health?plain").Status);
        Assert.Contains($" {to} \"", LogOf("?plain"), StringComparison.Ordinal);
        using (var forwarded = Connect())
            Assert.Equal(200, forwarded.Ask("GET", "/health?forwarded", "X-Forwarded-For: 192.0.2.7").Status);
        Assert.Contains(Address, LogOf("?forwarded"), StringComparison.Ordinal);
        using (var six = Connect().Send("PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n"))
            Assert.Equal(200, six.Ask("GET", "/health?six").Status);
        Assert.Contains(" 2001:db8::7 \"", LogOf("?six"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Header_stands_before_TLS(bool trusted)
    {
        using var folder = new ProgramFolder();
        folder.Write("cert.pem", SelfSigned());
        var port = FreePort.Next();
        await using var server = await GateServer.StartAsync(Proxies, $"tls:\n  port: {port}\n  certificate: {folder.Path}/cert.pem\n");
        using var connection = await Reply.Connect(port, trusted ? null : "127.0.0.9");
        await connection.SendAsync(Binary);
        await using var tls = new SslStream(new NetworkStream(connection), false, (_, shown, _, _) => shown?.Subject == "CN=localhost");
        if (!trusted)
        {
            await Assert.ThrowsAnyAsync<Exception>(() => tls.AuthenticateAsClientAsync("localhost"));
            return;
        }
        await tls.AuthenticateAsClientAsync("localhost");
        await tls.WriteAsync(Reply.Request("GET", server.Link(Films.Segment) + "&over=tls", "Connection: close"), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(tls, Encoding.Latin1);
        Assert.StartsWith("HTTP/1.1 200 ", await reader.ReadToEndAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Contains(Address, await server.AccessLine(l => l.Contains("over=tls", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    private static string SelfSigned()
    {
        var made = TestAuthority.SelfSigned(lasts: TimeSpan.FromDays(1000), since: TimeSpan.FromDays(1000));
        return made.Certificate + made.Key;
    }
}
