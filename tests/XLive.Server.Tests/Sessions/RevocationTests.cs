using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Door;
using XLive.Server.Sessions;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Telemetry;

namespace XLive.Server.Tests.Sessions;

/// <summary>Kicks and revocations: from the next request on, for as long as they say, over a restart, and until they are lifted.</summary>
public sealed class RevocationTests
{
    private const string Player = "User-Agent: VLC/3.0";

    [Fact]
    public async Task A_kick_bars_the_session_and_its_link_for_ten_minutes()
    {
        await using var api = await SessionApi.StartAsync();
        var server = api.Server;
        var link = server.Link(Films.Master, lasts: 7200);
        var session = await server.SessionPath(link, Player);
        var kick = SessionApi.Json(await api.Ask("DELETE", "/api/v1/sessions/" + await api.Sid()), 200);
        Assert.True(kick.GetProperty("stored").GetBoolean());
        Assert.Equal(server.Now + 600, kick.GetProperty("until").GetInt64());
        Assert.Equal("403 kicked", await server.Verdict(session + Films.Segment, Player));
        Assert.Equal("403 kicked", await server.Verdict(link, Player));
        Assert.Equal(403, (await server.Ask("HEAD", link, Player)).Status);
        // From another network or with another program it is not the viewer who was kicked; nor by another link.
        Assert.Equal("200", await server.Verdict(link, "User-Agent: Other/1"));
        Assert.Equal("200", GateServer.VerdictOf(await server.GetFrom("127.9.9.9", link, Player)));
        Assert.Equal("200", await server.Verdict(server.Link(Films.Master, lasts: 3601), Player));
        // Beyond the time in which it would have been the same session, too.
        server.Clock.Pass(TimeSpan.FromSeconds(599));
        Assert.Equal("403 kicked", await server.Verdict(link, Player));
        Assert.Equal("403 kicked", await server.Verdict(session + Films.Segment, Player));
        server.Clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal("200", await server.Verdict(session + Films.Segment, Player));
        Assert.Equal("200", await server.Verdict(link, Player));
        Assert.Contains(server.LogLines("audit.log"), l => l.Contains("kicked session", StringComparison.Ordinal) && l.Contains("user u1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_kicked_device_leaves_its_place()
    {
        await using var api = await SessionApi.StartAsync("sessions:\n  max_per_user: 1\n");
        var server = api.Server;
        var link = server.Link(Films.Master);
        Assert.Equal("200", await server.Verdict(link, Player));
        Assert.Equal("403 device_limit", await server.Verdict(link, "User-Agent: Other/1"));
        SessionApi.Json(await api.Ask("DELETE", "/api/v1/sessions/" + await api.Sid()), 200);
        Assert.Equal("200", await server.Verdict(link, "User-Agent: Other/1"));
    }

    [Theory]
    [InlineData("""{"uid": "u1"}""")]
    [InlineData("""{"uid": "u1", "for": "1h", "reason": "unpaid"}""")]
    [InlineData("""{"kid": ""}""")]
    public async Task What_is_revoked_plays_nothing_until_it_is_lifted(string body)
    {
        await using var api = await SessionApi.StartAsync();
        var server = api.Server;
        var link = server.Link(Films.Master);
        var session = await server.SessionPath(link);
        var id = await api.Revoke(body);
        Assert.Equal("403 revoked", await server.Verdict(session + Films.Segment));
        Assert.Equal("403 revoked", await server.Verdict(link));
        Assert.Equal("403 revoked", await server.Verdict(server.PathLink("/v/film/none.ts", lasts: 60), "User-Agent: Other/1"));
        // Not before expiry and scope, which say what is wrong with the link itself.
        Assert.Equal("410 expired", await server.Verdict(server.Link(Films.Segment, lasts: -60)));
        Assert.Equal("403 outside_scope", await server.Verdict(server.Link(Films.Segment, scope: "/elsewhere/")));
        Assert.Equal("401 wrong_token", await server.Verdict(server.Link(Films.Segment, secret: "another-secret-0123456789abcdef")));
        Assert.Equal(403, (await server.Ask("HEAD", server.Link(Films.Master), "User-Agent: Other/2")).Status);
        if (body.Contains("uid", StringComparison.Ordinal))
            Assert.Equal("200", await server.Verdict(server.Link(Films.Master, "u2")));
        SessionApi.Json(await api.Ask("DELETE", "/api/v1/revocations/" + id), 200);
        Assert.Equal("200", await server.Verdict(session + Films.Segment));
        Assert.Equal("200", await server.Verdict(link));
        Assert.Contains(server.LogLines("audit.log"), l => l.Contains("lifted the revocation of", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_revocation_ends_by_the_monotonic_clock()
    {
        await using var api = await SessionApi.StartAsync();
        var server = api.Server;
        var link = server.Link(Films.Master, lasts: 86400);
        await api.Revoke("""{"uid": "u1", "for": "10m"}""");
        server.Clock.Pass(TimeSpan.FromMinutes(9));
        Assert.Equal("403 revoked", await server.Verdict(link));
        server.Clock.Pass(TimeSpan.FromMinutes(1));
        Assert.Equal("200", await server.Verdict(link));
        Assert.Empty((await api.Get("/api/v1/revocations")).GetProperty("revocations").EnumerateArray());
    }

    [Fact]
    public async Task Revocations_and_kicks_survive_a_restart()
    {
        var folder = Directory.CreateTempSubdirectory("xlive-gate-").FullName;
        var clock = new StoppedClock();
        try
        {
            string session, link;
            await using (var before = await SessionApi.StartAsync(folder: folder, clock: clock))
            {
                link = before.Server.Link(Films.Master, lasts: 7200);
                session = await before.Server.SessionPath(link, Player);
                SessionApi.Json(await before.Ask("DELETE", "/api/v1/sessions/" + await before.Sid()), 200);
                await before.Revoke("""{"uid": "Jürgen/"}""");
            }
            await using var after = await SessionApi.StartAsync(folder: folder, clock: clock);
            Assert.Equal("403 kicked", await after.Server.Verdict(session + Films.Segment, Player));
            Assert.Equal("403 kicked", await after.Server.Verdict(link, Player));
            Assert.Equal("403 revoked", await after.Server.Verdict(after.Server.Link(Films.Master, "Jürgen/")));
            clock.Pass(TimeSpan.FromMinutes(10));
            Assert.Equal("200", await after.Server.Verdict(session + Films.Segment, Player));
            Assert.Equal("403 revoked", await after.Server.Verdict(after.Server.Link(Films.Master, "Jürgen/")));
            var id = (await after.Get("/api/v1/revocations")).GetProperty("revocations").EnumerateArray().Single().GetProperty("id").GetString();
            SessionApi.Json(await after.Ask("DELETE", "/api/v1/revocations/" + id), 200);
            Assert.Equal("200", await after.Server.Verdict(after.Server.Link(Films.Master, "Jürgen/")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("{}", "one of uid, kid and sid is needed")]
    [InlineData("""{"uid": "u1", "kid": "k"}""", "one of uid, kid and sid is needed")]
    [InlineData("""{"uid": ""}""", "one of uid, kid and sid is needed")]
    [InlineData("""{"sid": "x"}""", "sid: not a session's id")]
    [InlineData("""{"uid": "a\u0007"}""", "uid: up to 128 bytes without control characters")]
    [InlineData("""{"uid": "u1", "for": "soon"}""", "for: is not a duration; write a number of seconds, or one with ms, s, m, h or d, such as 30s")]
    [InlineData("""{"uid": "u1", "for": "0s"}""", "for: at least 1s; DELETE lifts a revocation")]
    [InlineData("""{"uid": "u1", "until": 5}""", "until: not of the right type, or given twice")]
    [InlineData("""{"uid": 5}""", "uid: not of the right type, or given twice")]
    public async Task What_cannot_be_revoked_is_named(string body, string detail)
    {
        await using var api = await SessionApi.StartAsync();
        Assert.Equal(detail, SessionApi.Json(await api.Post("/api/v1/revocations", body), 400).GetProperty("detail").GetString());
        SessionApi.Json(await api.Ask("DELETE", "/api/v1/revocations/uid.eA"), 404);
        SessionApi.Json(await api.Ask("DELETE", "/api/v1/revocations/nonsense"), 404);
        SessionApi.Json(await api.Ask("DELETE", "/api/v1/sessions/nonsense"), 404);
    }

    [Fact]
    public async Task Where_no_link_is_asked_for_a_kick_counts_all_the_same()
    {
        await using var api = await SessionApi.StartAsync(access: "enable: false");
        var session = await api.Server.SessionPath(Films.Master + "?uid=u1");
        SessionApi.Json(await api.Ask("DELETE", "/api/v1/sessions/" + await api.Sid()), 200);
        Assert.Equal("403 kicked", await api.Server.Verdict(session + Films.Segment));
        Assert.Equal("403 kicked", await api.Server.Verdict(Films.Master + "?uid=u1"));
        await api.Revoke("""{"uid": "u2"}""");
        Assert.Equal("403 revoked", await api.Server.Verdict(Films.Master + "?uid=u2"));
        Assert.Equal("200", await api.Server.Verdict(Films.Master + "?uid=u3"));
    }

    [Theory]
    [InlineData("sid", true)]
    [InlineData("sid", false)]
    [InlineData("uid", true)]
    [InlineData("uid", false)]
    [InlineData("kid", true)]
    public async Task A_running_transfer_ends_within_two_seconds(string what, bool takes)
    {
        await using var api = await SessionApi.StartAsync();
        var server = api.Server;
        var stop = TestContext.Current.CancellationToken;
        var connections = server.Services.GetRequiredService<ConnectionCount>();
        var before = connections.Open;
        // Reading blocks, and what is awaited here goes on where the server's bytes move.
        using var client = await Task.Run(() => new RawClient(new IPEndPoint(IPAddress.Loopback, server.Port), receiveBuffer: 16 * 1024), stop);
        await Task.Run(() => client.Send(RawClient.Request("GET", server.Link("/v/film/large.ts"))).ReadHead(), stop);
        await Task.Run(() => client.ReadBody(100_000), stop);
        var reading = takes ? Task.Run(() => Trickle(client), stop) : Task.CompletedTask;
        var clock = Stopwatch.StartNew();
        if (what == "sid")
            SessionApi.Json(await api.Ask("DELETE", "/api/v1/sessions/" + await api.Sid()), 200);
        else
            await api.Revoke(what == "uid" ? """{"uid": "u1"}""" : """{"kid": ""}""");
        // Who reads nothing is found by the sweep, which goes by the server's clock.
        await SessionApi.Eventually(() =>
        {
            server.Clock.Pass(TimeSpan.FromMilliseconds(20));
            return Task.FromResult(connections.Open <= before);
        }, "its connection is closed");
        // Twice the bound, beside all else that runs here; the bound itself is a second's sweep.
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 4);
        await reading;
        Assert.True(server.Services.GetRequiredService<SessionTable>().All.Single().Bytes < 32 << 20, "the film is 64 MiB");
    }

    /// <summary>As a viewer takes it: all of it would be minutes.</summary>
    private static void Trickle(RawClient client)
    {
        try
        {
            while (true)
            {
                client.ReadBody(16 * 1024);
                Thread.Sleep(10);
            }
        }
        catch (Exception e) when (e is EndOfStreamException or SocketException)
        {
            // The end, which is what is waited for.
        }
    }

    [Fact]
    public async Task The_device_that_is_replaced_is_cut_and_one_that_is_let_in_again_plays()
    {
        await using var api = await SessionApi.StartAsync("sessions:\n  max_per_user: 1\n  on_limit: replace\n");
        var server = api.Server;
        var stop = TestContext.Current.CancellationToken;
        var connections = server.Services.GetRequiredService<ConnectionCount>();
        var before = connections.Open;
        var session = await server.SessionPath(server.Link(Films.Master), Player);
        using var client = await Task.Run(() => new RawClient(new IPEndPoint(IPAddress.Loopback, server.Port), receiveBuffer: 16 * 1024), stop);
        await Task.Run(() => client.Send(RawClient.Request("GET", session + "/v/film/large.ts", Player)).ReadHead(), stop);
        Assert.Equal("200", await server.Verdict(server.Link(Films.Master), "User-Agent: Other/1"));
        // Who reads nothing is found by the sweep, which goes by the server's clock.
        await SessionApi.Eventually(() =>
        {
            server.Clock.Pass(TimeSpan.FromMilliseconds(20));
            return Task.FromResult(connections.Open <= before);
        }, "its connection is closed");
        // Ten minutes later the other is silent, and the stop is over.
        server.Clock.Pass(TimeSpan.FromMinutes(10));
        var reply = await server.Get(session + Films.Segment, Player);
        Assert.Equal((200, 2048), (reply.Status, reply.Body.Length));
    }
}
