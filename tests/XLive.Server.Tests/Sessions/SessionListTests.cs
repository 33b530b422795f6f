using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Sessions;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;

namespace XLive.Server.Tests.Sessions;

/// <summary>Who watches what, as an operator sees it.</summary>
public sealed class SessionListTests
{
    private const string Firefox = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    [Fact]
    public async Task A_session_is_listed_with_who_and_what_and_how_much()
    {
        await using var api = await SessionApi.StartAsync();
        var server = api.Server;
        var playlist = await server.GetFrom("127.0.0.9", server.Link(Films.Master, "Jürgen"), Firefox);
        var path = GateServer.SessionPathOf(playlist);
        server.Clock.Pass(TimeSpan.FromSeconds(5));
        var segment = await server.Get(path + Films.Segment);
        var session = Assert.Single(await api.Sessions());
        var entry = playlist.Body.Length;
        Assert.Equal(("Jürgen", "", "127.0.0.9", "browser"), (Text("uid"), Text("kid"), Text("address"), Text("client")));
        Assert.Equal((Films.Segment, "/v/film/"), (Text("path"), Text("title")));
        Assert.Equal(Firefox["User-Agent: ".Length..], Text("user_agent"));
        Assert.Equal((server.Now - 5, server.Now), (session.GetProperty("opened_at").GetInt64(), session.GetProperty("last_seen").GetInt64()));
        await SessionApi.Eventually(async () => (await api.Sessions())[0].GetProperty("bytes").GetInt64() == entry + segment.Body.Length, $"bytes of an entry, {entry}, and a segment");
        // Nothing that plays stands in it, nor in its path.
        Assert.DoesNotContain("~s1", (await api.Ask("GET", "/api/v1/sessions")).Text, StringComparison.Ordinal);
        var one = await api.Get("/api/v1/sessions/" + Text("sid"));
        Assert.Equal(session.GetProperty("sid").GetString(), one.GetProperty("sid").GetString());
        string Text(string name) => session.GetProperty(name).GetString()!;
    }

    [Theory]
    [InlineData("prefix", "127.0.9.0/24", "127.0.9.0/24", 1)]
    [InlineData("none", "", "127.0.0.0/8", 0)]
    public async Task No_more_of_an_address_is_kept_than_the_operator_allows(string privacy, string shown, string filter, int found)
    {
        await using var api = await SessionApi.StartAsync($"privacy:\n  ip: {privacy}\n");
        var playlist = await api.Server.GetFrom("127.0.9.9", api.Server.Link(Films.Master, "u1"), Firefox);
        Assert.Equal(200, (await api.Server.Get(GateServer.SessionPathOf(playlist) + Films.Segment)).Status);
        Assert.Equal(shown, Assert.Single(await api.Sessions()).GetProperty("address").GetString());
        Assert.Equal(found, (await api.Sessions("?address=" + filter)).Count);
        Assert.Empty(await api.Sessions("?address=127.0.9.9"));
    }

    [Fact]
    public async Task A_list_is_filtered()
    {
        await using var api = await SessionApi.StartAsync();
        var server = api.Server;
        await server.GetFrom("127.0.0.9", server.Link(Films.Master, "u1"), Firefox);
        await server.GetFrom("127.0.7.7", server.Link(Films.Master, "u2"), "User-Agent: VLC/3.0");
        await server.GetFrom("127.0.7.8", server.Link("/v/other/0.ts", "u2"), "User-Agent: curl/8");
        await Count(3, "");
        await Count(1, "?uid=u1");
        await Count(2, "?uid=u2");
        await Count(1, "?uid=u2&client=download_tool");
        await Count(2, "?address=127.0.7.0/24");
        await Count(1, "?address=127.0.7.8");
        await Count(2, "?path=/v/film/");
        await Count(1, "?client=browser");
        await Count(3, "?kid=");
        await Count(0, "?kid=k1");
        await Count(0, "?uid=u1&path=/v/other/");
        foreach (var (query, detail) in ((string, string)[])[
            ("?client=person", "client: browser, player, download_tool, bot or unknown"), ("?address=here", "address: not an address and no network"),
            ("?limit=0", "limit: 1 to 1000"), ("?limit=1001", "limit: 1 to 1000"), ("?cursor=x", "cursor: the next_cursor of the page before"),
            ("?uid=a&uid=b", "uid: given twice")])
            Assert.Equal(detail, (await api.Get("/api/v1/sessions" + query, 400)).GetProperty("detail").GetString());

        async Task Count(int wanted, string query) => Assert.Equal(wanted, (await api.Sessions(query)).Count);
    }

    [Fact]
    public async Task Pages_hold_each_session_once()
    {
        await using var api = await SessionApi.StartAsync();
        for (var i = 0; i < 23; i++)
            await api.Server.Get(api.Server.Link(Films.Segment, "u" + i));
        var seen = new List<string>();
        var pages = 0;
        for (string? cursor = ""; cursor is not null; pages++)
        {
            var page = await api.Get("/api/v1/sessions?limit=5" + (cursor.Length > 0 ? "&cursor=" + cursor : ""));
            seen.AddRange(page.GetProperty("sessions").EnumerateArray().Select(s => s.GetProperty("uid").GetString()!));
            cursor = page.GetProperty("next_cursor").GetString();
        }
        Assert.Equal(5, pages);
        Assert.Equal(Enumerable.Range(0, 23).Select(i => "u" + i).Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
        for (var i = 0; i < 12; i++)
            await api.Revoke($$"""{"uid": "r{{i}}"}""");
        var first = await api.Get("/api/v1/revocations?limit=10");
        var rest = await api.Get("/api/v1/revocations?limit=10&cursor=" + first.GetProperty("next_cursor").GetString());
        Assert.Equal((10, 2), (first.GetProperty("revocations").GetArrayLength(), rest.GetProperty("revocations").GetArrayLength()));
        Assert.Equal(JsonValueKind.Null, rest.GetProperty("next_cursor").ValueKind);
    }

    [Fact]
    public async Task What_was_idle_is_dropped_and_listed_again_when_it_comes_back()
    {
        await using var api = await SessionApi.StartAsync("sessions:\n  idle: 100s\n");
        var server = api.Server;
        var table = server.Services.GetRequiredService<SessionTable>();
        var path = await server.SessionPath(server.Link(Films.Master));
        var sid = await api.Sid();
        Assert.Equal("200", await server.Verdict(path + Films.Segment));
        server.Clock.Pass(TimeSpan.FromSeconds(100));
        table.Sweep(_ => { });
        Assert.Single(await api.Sessions());
        server.Clock.Pass(TimeSpan.FromSeconds(1));
        table.Sweep(_ => { });
        Assert.Empty(await api.Sessions());
        SessionApi.Json(await api.Ask("GET", "/api/v1/sessions/" + sid), 404);
        Assert.Equal("200", await server.Verdict(path + Films.Segment));
        Assert.Equal(sid, await api.Sid());
        // It is the same one in every way: a kick finds it.
        SessionApi.Json(await api.Ask("DELETE", "/api/v1/sessions/" + sid), 200);
        Assert.Equal("403 kicked", await server.Verdict(path + Films.Segment));
    }

    [Fact]
    public async Task A_session_that_came_back_by_two_titles_is_one()
    {
        await using var api = await SessionApi.StartAsync("sessions:\n  idle: 100s\n");
        var server = api.Server;
        var table = server.Services.GetRequiredService<SessionTable>();
        // One link, two titles: two paths of one session.
        var link = server.Link(Films.Master, scope: "/");
        var film = await server.SessionPath(link);
        var live = await server.SessionPath(link.Replace(Films.Master, "/public/p.m3u8", StringComparison.Ordinal));
        Assert.NotEqual(film, live);
        Assert.Single(await api.Sessions());
        server.Clock.Pass(TimeSpan.FromSeconds(101));
        table.Sweep(_ => { });
        foreach (var path in (string[])[film + Films.Segment, live + "/public/p.m3u8"])
            Assert.Equal("200", await server.Verdict(path));
        SessionApi.Json(await api.Ask("DELETE", "/api/v1/sessions/" + await api.Sid()), 200);
        foreach (var path in (string[])[film + Films.Segment, live + "/public/p.m3u8"])
            Assert.Equal("403 kicked", await server.Verdict(path));
    }

    [Fact]
    public async Task A_long_transfer_is_no_silence()
    {
        await using var api = await SessionApi.StartAsync("sessions:\n  max_per_user: 1\n  lease: 30s\n  idle: 40s\n");
        var server = api.Server;
        var table = server.Services.GetRequiredService<SessionTable>();
        var stop = TestContext.Current.CancellationToken;
        // Reading blocks, and what is awaited here goes on where the server's bytes move.
        using var client = await Task.Run(() => new RawClient(new IPEndPoint(IPAddress.Loopback, server.Port), receiveBuffer: 16 * 1024), stop);
        await Task.Run(() => client.Send(RawClient.Request("GET", server.Link("/v/film/large.ts"), "User-Agent: Long/1")).ReadHead(), stop);
        for (var seconds = 0; seconds < 90; seconds += 10)
        {
            await Task.Run(() =>
            {
                for (var before = table.All.Single().Bytes; table.All.Single().Bytes == before;)
                    client.ReadBody(64 * 1024);
            }, stop);
            table.Sweep(_ => { });
            server.Clock.Pass(TimeSpan.FromSeconds(10));
            Assert.Equal("403 device_limit", await server.Verdict(server.Link("/v/film/large.ts"), "User-Agent: Other/1"));
        }
        Assert.True((await api.Sessions("?uid=u1"))[0].GetProperty("bytes_per_second").GetInt64() > 0);
        // Nothing more is taken: what waits in the kernel is no sign of life.
        long last = -1;
        await SessionApi.Eventually(() => Task.FromResult(last == (last = table.All.Single().Bytes)), "the transfer stands still");
        table.Sweep(_ => { });
        server.Clock.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal("200", await server.Verdict(server.Link(Films.Segment), "User-Agent: Other/1"));
    }

    [Fact]
    public async Task Stats_and_health_tell_of_sessions_and_their_store()
    {
        await using var api = await SessionApi.StartAsync("sessions:\n  max_per_user: 1\n");
        var server = api.Server;
        var link = server.Link(Films.Master);
        await server.Get(link, "User-Agent: A/1");
        await server.Get(link, "User-Agent: A/1");
        await server.Get(link, "User-Agent: B/1");
        await api.Revoke("""{"uid": "u9"}""");
        await server.Get(server.Link(Films.Master, "u9"));
        var sessions = (await api.Get("/stats")).GetProperty("sessions");
        Assert.Equal((1, 1, 1, 1, 1, 1), (Number("known"), Number("opened"), Number("reused"), Number("refused_device_limit"), Number("refused_revoked"), Number("revocations")));
        Assert.Equal(("embedded", "healthy"), (sessions.GetProperty("store").GetProperty("name").GetString(), sessions.GetProperty("store").GetProperty("state").GetString()));
        long Number(string name) => sessions.GetProperty(name).GetInt64();
    }
}
