using System.Net.Sockets;
using XLive.Server.Door.Clients;


namespace XLive.Server.Tests.Gate;

/// <summary>Whose request it is, behind a proxy on 127.0.0.1 that is trusted; all other addresses of 127.0.0.0/8 are strangers.</summary>
public sealed class ForwardedClientTests
{
    private const string Stranger = "127.0.0.9";
    private const string Proxies = "trusted_proxies: [127.0.0.1, 10.0.0.0/8]\n";

    [Fact]
    public async Task Log_names_the_client_and_not_the_proxy()
    {
        await using var server = await GateServer.StartAsync(Proxies);
        await server.Get(server.Link(Films.Segment), "X-Forwarded-For: 198.51.100.66, 192.0.2.7, 10.0.0.2");
        Assert.Contains(" 192.0.2.7 \"", await server.AccessLine(l => l.Contains(Films.Segment, StringComparison.Ordinal)), StringComparison.Ordinal);
        await server.Get("/health?api", "X-Forwarded-For: 2001:db8::7");
        Assert.Contains(" 2001:db8::7 \"", await server.AccessLine(l => l.Contains("?api", StringComparison.Ordinal)), StringComparison.Ordinal);
        await server.Get("/health?lines", "X-Forwarded-For: 198.51.100.66", "X-Forwarded-For: 192.0.2.8");
        Assert.Contains(" 192.0.2.8 \"", await server.AccessLine(l => l.Contains("?lines", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rules_go_by_the_client()
    {
        await using var server = await GateServer.StartAsync(Proxies + "deny: [192.0.2.0/24]\ntrusted: [198.51.100.7]");
        var link = server.Link(Films.Segment);
        Assert.Equal("200", await server.Verdict(link));
        Assert.Equal("403 address_refused", await server.Verdict(link, "X-Forwarded-For: 192.0.2.7"));
        Assert.Equal("403 address_refused", await server.Verdict(link, "X-Forwarded-For: ::ffff:192.0.2.7"));
        Assert.Equal("200", await server.Verdict(link, "X-Forwarded-For: 192.0.2.7, 203.0.113.1"));
        Assert.Equal("200", await server.Verdict(Films.Segment, "X-Forwarded-For: 198.51.100.7"));
        Assert.Equal("401 no_grant", await server.Verdict(Films.Segment, "X-Forwarded-For: 198.51.100.7, 203.0.113.1"));
    }

    [Fact]
    public async Task Stranger_who_says_that_he_is_somebody_else_stays_who_he_is()
    {
        await using var server = await GateServer.StartAsync(Proxies + $"deny: [192.0.2.0/24]\ntrusted: [198.51.100.7]\nbind_ip: exact");
        var link = server.Link(Films.Master);
        Assert.Equal(200, (await server.GetFrom(Stranger, link, "X-Forwarded-For: 192.0.2.7")).Status);
        Assert.Equal(401, (await server.GetFrom(Stranger, Films.Segment, "X-Forwarded-For: 198.51.100.7")).Status);
        var line = await server.AccessLine(l => l.Contains(Films.Master, StringComparison.Ordinal));
        Assert.Contains($" {Stranger} \"", line, StringComparison.Ordinal);

        var session = GateServer.SessionPathOf(await server.GetFrom("127.0.0.8", link));
        Assert.Equal(200, (await server.GetFrom("127.0.0.8", session + Films.Segment)).Status);
        var stolen = await server.GetFrom(Stranger, session + Films.Segment, "X-Forwarded-For: 127.0.0.8");
        Assert.Equal("403 other_address", GateServer.VerdictOf(stolen));
        Assert.DoesNotContain(" 192.0.2.7 ", server.AllOutput(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_clients_on_one_connection_of_a_proxy_are_two_sessions()
    {
        await using var server = await GateServer.StartAsync(Proxies + "bind_ip: exact");
        var link = server.Link(Films.Master);
        using var connection = await Reply.Connect(server.Port);
        async Task<Reply> As(string client, string target)
        {
            await connection.SendAsync(Reply.Request("GET", target, "X-Forwarded-For: " + client, "User-Agent: player/1"));
            return await Reply.Next(connection);
        }

        var first = GateServer.SessionPathOf(await As("192.0.2.7", link));
        var second = GateServer.SessionPathOf(await As("198.51.100.7", link));
        Assert.NotEqual(first, second);
        Assert.Equal(first, GateServer.SessionPathOf(await As("192.0.2.7", link)));
        Assert.Equal(200, (await As("192.0.2.7", first + Films.Segment)).Status);
        Assert.Equal(200, (await As("198.51.100.7", second + Films.Segment)).Status);
        Assert.Equal("403 other_address", GateServer.VerdictOf(await As("192.0.2.7", second + Films.Segment)));
        Assert.Equal("403 other_address", GateServer.VerdictOf(await As("198.51.100.7", first + Films.Segment)));

        var sids = new HashSet<string>();
        foreach (var client in (string[])["192.0.2.7", "198.51.100.7"])
        {
            var line = await server.AccessLine(l => l.Contains($" {client} \"", StringComparison.Ordinal) && l.Contains(" 200 ", StringComparison.Ordinal));
            sids.Add(line[line.IndexOf("sid=", StringComparison.Ordinal)..line.IndexOf(" id=", StringComparison.Ordinal)]);
        }
        Assert.Equal(2, sids.Count);
    }

    [Fact]
    public async Task Kind_of_client_is_told_anew_where_many_share_a_connection()
    {
        await using var server = await GateServer.StartAsync(Proxies + "clients: {browser: []}");
        var link = server.Link(Films.Segment);
        const string Agent = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36";
        using var connection = await Reply.Connect(server.Port);
        async Task<int> Ask(params string[] headers)
        {
            await connection.SendAsync(Reply.Request("GET", link, ["X-Forwarded-For: 192.0.2.7", Agent, .. headers]));
            return (await Reply.Next(connection)).Status;
        }

        // The same words; a downloader gives itself away by the one header of two, a player by its own.
        Assert.Equal(403, await Ask("Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"));
        Assert.Equal(200, await Ask("Icy-MetaData: 1"));
        Assert.Equal(403, await Ask());
    }

    [Fact]
    public async Task Sign_ins_are_counted_by_client()
    {
        await using var server = await GateServer.StartAsync(Proxies);
        const string Wrong = "{\"username\":\"nobody\",\"password\":\"wrong password\"}";
        for (var i = 0; i < 10; i++)
            Assert.Equal(401, (await Reply.Post(server.Port, "/login", Wrong, "X-Forwarded-For: 192.0.2.7")).Status);
        Assert.Equal(429, (await Reply.Post(server.Port, "/login", Wrong, "X-Forwarded-For: 192.0.2.7")).Status);
        Assert.Equal(401, (await Reply.Post(server.Port, "/login", Wrong.Replace("nobody", "somebody", StringComparison.Ordinal), "X-Forwarded-For: 198.51.100.7")).Status);
        var audit = string.Join('\n', server.LogLines("audit.log"));
        Assert.Contains(" 192.0.2.7 \"refused\" \"too many logins\"", audit, StringComparison.Ordinal);
        Assert.Contains(" 198.51.100.7 \"refused\" \"wrong password\"", audit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_a_local_client_is_local()
    {
        await using var server = await GateServer.StartAsync(Proxies, "auth:\n  enable: false\n");
        Assert.Equal(200, (await server.Get("/stats")).Status);
        Assert.Equal(401, (await server.Get("/stats", "X-Forwarded-For: 192.0.2.7")).Status);
        Assert.Equal(401, (await server.Get("/stats", "X-Forwarded-For: 127.0.0.1, 192.0.2.7")).Status);
    }

    [Fact]
    public async Task Trust_holds_from_the_next_request_on()
    {
        await using var server = await GateServer.StartAsync();
        using var connection = await Reply.Connect(server.Port);
        async Task<string> ClientOf(string query)
        {
            await connection.SendAsync(Reply.Request("GET", "/health?" + query, "X-Forwarded-For: 192.0.2.7"));
            Assert.Equal(200, (await Reply.Next(connection)).Status);
            var line = await server.AccessLine(l => l.Contains("?" + query, StringComparison.Ordinal));
            return line[..line.IndexOf(" \"", StringComparison.Ordinal)].Split(' ')[^1];
        }

        Assert.Equal("127.0.0.1", await ClientOf("before"));
        server.Reload("trusted_proxies: [127.0.0.1]");
        Assert.Equal("192.0.2.7", await ClientOf("trusted"));
        server.Reload();
        Assert.Equal("127.0.0.1", await ClientOf("after"));
    }
}
