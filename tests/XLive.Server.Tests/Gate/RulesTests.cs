namespace XLive.Server.Tests.Gate;

/// <summary>Who gets in besides the grant: addresses, clients, pages, public paths, trusted networks, and access switched off.</summary>
public sealed class RulesTests
{
    private const string Chrome = "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
    private const string Vlc = "User-Agent: VLC/3.0.20 LibVLC/3.0.20";
    private const string Curl = "User-Agent: curl/8.5.0";
    private const string Googlebot = "User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

    [Fact]
    public async Task The_longest_prefix_decides_and_deny_wins_a_tie()
    {
        await using var server = await GateServer.StartAsync("""
            allow: [127.0.0.0/8, 127.0.2.7, 127.0.3.3]
            deny: [127.0.2.0/24, 127.0.3.3]
            """);
        var link = server.Link(Films.Segment);
        async Task<string> From(string address) => GateServer.VerdictOf(await server.GetFrom(address, link));
        Assert.Equal("200", await From("127.0.0.1"));
        Assert.Equal("403 address_refused", await From("127.0.2.1"));
        Assert.Equal("200", await From("127.0.2.7"));
        Assert.Equal("403 address_refused", await From("127.0.3.3"));

        server.Reload("allow: [127.0.5.0/24]");
        Assert.Equal("403 address_refused", await From("127.0.0.1"));
        Assert.Equal("200", await From("127.0.5.1"));
        // Neither list replaces a token.
        Assert.Equal("401 no_grant", GateServer.VerdictOf(await server.GetFrom("127.0.5.1", Films.Segment)));

        server.Reload("deny: [127.0.0.0/24]");
        Assert.Equal("403 address_refused", await From("127.0.0.1"));
        Assert.Equal("200", await From("127.0.5.1"));
    }

    [Fact]
    public async Task A_ban_holds_below_a_sessions_path_and_on_a_kept_connection()
    {
        await using var server = await GateServer.StartAsync();
        var session = await server.SessionPath(server.Link(Films.Master));
        using var kept = await Reply.Connect(server.Port);
        await kept.SendAsync(Reply.Request("GET", session + Films.Segment));
        Assert.Equal(200, (await Reply.Next(kept)).Status);
        server.Reload("deny: [127.0.0.1]");
        await kept.SendAsync(Reply.Request("GET", session + Films.Segment));
        Assert.Equal(403, (await Reply.Next(kept)).Status);
        server.Reload();
        await kept.SendAsync(Reply.Request("GET", session + Films.Segment));
        Assert.Equal(200, (await Reply.Next(kept)).Status);
    }

    [Fact]
    public async Task Clients_fetch_what_their_kind_may()
    {
        await using var server = await GateServer.StartAsync("""
            clients: {download_tool: [], bot: [/public/**], player: ["/**/*.m3u8", "/**/*.ts"]}
            """);
        var film = server.Link(Films.Segment);
        var page = server.Link("/public/p.ts");
        Assert.Equal("200", await server.Verdict(film, Chrome));
        Assert.Equal("200", await server.Verdict(film, Vlc));
        Assert.Equal("403 client_refused", await server.Verdict(film, Curl));
        Assert.Equal("403 client_refused", await server.Verdict(film, Googlebot));
        Assert.Equal("200", await server.Verdict(page, Googlebot));
        Assert.Equal("403 client_refused", await server.Verdict(page, Curl));
        Assert.Equal("403 client_refused", await server.Verdict(server.Link("/v/film/720p/init.mp4"), Vlc));
        Assert.Equal("200", await server.Verdict(film)); // no User-Agent: a kind that no rule names
        // yt-dlp calls itself Chrome, and gives itself away.
        Assert.Equal("403 client_refused", await server.Verdict(film, Chrome, "Sec-Fetch-Mode: navigate"));
        var session = await server.SessionPath(server.Link(Films.Master), Chrome);
        Assert.Equal("403 client_refused", await server.Verdict(session + Films.Segment, Curl));
    }

    [Fact]
    public async Task Pages_embed_what_they_may()
    {
        await using var server = await GateServer.StartAsync("""
            referers: {/public/**: [], /v/film/**: [none, example.com, "*.example.net"], /v/**: [example.org]}
            """);
        var film = server.Link(Films.Segment);
        Assert.Equal("200", await server.Verdict(film));
        Assert.Equal("200", await server.Verdict(film, "Referer: https://example.com/watch"));
        Assert.Equal("200", await server.Verdict(film, "Referer: http://a.example.net"));
        Assert.Equal("403 page_refused", await server.Verdict(film, "Referer: https://example.net/"));
        Assert.Equal("403 page_refused", await server.Verdict(film, "Referer: https://example.org/"));
        Assert.Equal("403 page_refused", await server.Verdict(film, "Referer: https://example.com@evil.example/"));
        Assert.Equal("403 page_refused", await server.Verdict(server.Link("/v/other/0.ts")));
        Assert.Equal("200", await server.Verdict(server.Link("/public/p.ts"), "Referer: https://evil.example/"));
    }

    [Fact]
    public async Task Public_paths_and_trusted_networks_need_no_grant()
    {
        await using var server = await GateServer.StartAsync("""
            public: [/public/**]
            trusted: [127.0.7.0/24]
            deny: [127.0.8.1]
            """);
        Assert.Equal("200", await server.Verdict("/public/p.ts"));
        Assert.Equal("401 no_grant", await server.Verdict(Films.Segment));
        Assert.Equal(200, (await server.GetFrom("127.0.7.1", Films.Segment)).Status);
        Assert.Equal("403 address_refused", GateServer.VerdictOf(await server.GetFrom("127.0.8.1", "/public/p.ts")));
        // A wrong or old grant is as good as none here, and nobody is charged by it.
        Assert.Equal("200", await server.Verdict("/public/p.ts?token=x"));
        Assert.Equal("200", await server.Verdict(server.Link("/public/p.ts", "late", lasts: -99)));
        Assert.Contains("uid=\"\"", await server.AccessLine(l => l.Contains("uid=late", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal("200", await server.Verdict("/~s1.old.grant/public/p.ts"));
        Assert.Equal("401 wrong_token", await server.Verdict("/~s1.old.grant" + Films.Segment));
        // A right one still says who watches.
        Assert.Equal("200", await server.Verdict(server.Link("/public/p.ts", "guest")));
        Assert.Contains("uid=\"guest\"", await server.AccessLine(l => l.Contains("uid=guest", StringComparison.Ordinal)), StringComparison.Ordinal);
        // Without a viewer there is no session, and the playlist is the file.
        Assert.Equal(Films.RenditionText, (await server.Get("/public/p.m3u8")).Text);
        Assert.Equal("404 not_found", await server.Verdict("/~own/public/p.ts"));
    }

    [Fact]
    public async Task Switched_off_the_uid_is_taken_as_given()
    {
        await using var server = await GateServer.StartAsync("enable: false\ndeny: [127.0.9.1]");
        Assert.Equal("200", await server.Verdict(Films.Segment));
        Assert.Contains("uid=\"\"", await server.AccessLine(l => l.Contains(Films.Segment, StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal("403 address_refused", GateServer.VerdictOf(await server.GetFrom("127.0.9.1", Films.Segment)));
        Assert.Equal(Films.MasterText, (await server.Get(Films.Master)).Text);

        var session = await server.SessionPath(Films.Master + "?uid=J%C3%BCrgen+1");
        Assert.Equal("200", await server.Verdict(session + Films.Segment));
        var line = await server.AccessLine(l => l.Contains("~s1.", StringComparison.Ordinal));
        Assert.Contains("uid=\"Jürgen 1\"", line, StringComparison.Ordinal);
        Assert.Equal(session, await server.SessionPath(Films.Master + "?uid=J%C3%BCrgen+1"));
        Assert.NotEqual(session, await server.SessionPath(Films.Master + "?uid=other"));
        // A uid of no form is nobody's.
        Assert.Equal(Films.MasterText, (await server.Get(Films.Master + "?uid=a%0Ab")).Text);
        // Old links and old session paths play on, whatever they say.
        Assert.Equal("200", await server.Verdict(server.Link(Films.Segment, lasts: -99)));
        Assert.Equal("200", await server.Verdict("/~s1.old.grant" + Films.Segment));

        server.Reload();
        Assert.Equal("401 no_grant", await server.Verdict(Films.Segment + "?uid=u1"));
        Assert.Equal("401 wrong_token", await server.Verdict("/~s1.old.grant" + Films.Segment));
    }

    [Theory]
    [InlineData("prefix", "127.0.0.5", "127.0.0.6", true)]
    [InlineData("prefix", "127.0.0.5", "127.0.1.5", false)]
    [InlineData("exact", "127.0.0.5", "127.0.0.5", true)]
    [InlineData("exact", "127.0.0.5", "127.0.0.6", false)]
    [InlineData("off", "127.0.0.5", "127.9.9.9", true)]
    public async Task A_session_is_bound_to_the_address_that_opened_it(string binding, string opened, string plays, bool works)
    {
        await using var server = await GateServer.StartAsync($"bind_ip: {binding}");
        var session = GateServer.SessionPathOf(await server.GetFrom(opened, server.Link(Films.Master)));
        Assert.Equal(works ? "200" : "403 other_address", GateServer.VerdictOf(await server.GetFrom(plays, session + Films.Segment)));
    }

    [Fact]
    public async Task Two_in_one_network_each_get_a_path_that_works_for_them()
    {
        // They are one viewer by the contract's rule, so the binding must not be the first one's.
        await using var server = await GateServer.StartAsync("bind_ip: exact");
        var link = server.Link(Films.Master);
        foreach (var address in (string[])["127.0.0.5", "127.0.0.6", "127.0.0.5"])
        {
            var session = GateServer.SessionPathOf(await server.GetFrom(address, link, Chrome));
            Assert.Equal("200", GateServer.VerdictOf(await server.GetFrom(address, session + Films.Segment, Chrome)));
        }
    }
}
