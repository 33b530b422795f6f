using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Operations.Health;
using XLive.Server.Sending;
using XLive.Server.Storage;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Door;

/// <summary>What a server does whose memory runs short, told so; that it notices by itself is proved in a real control group, end to end.</summary>
public sealed class OverloadTests
{
    [Fact]
    public async Task New_viewers_are_refused_and_known_ones_play_on()
    {
        await using var server = await StartAsync();
        var overload = server.Get<Overload>();
        var link = TestServer.Signed("/film/index.m3u8");
        using var viewer = server.Connect();
        var entry = viewer.Ask("GET", link).Text;
        var session = entry[entry.IndexOf("/~s1.", StringComparison.Ordinal)..entry.IndexOf("/film/", StringComparison.Ordinal)];
        using var known = server.Connect();
        Assert.Equal(200, known.Ask("GET", "/open/a.ts").Status);

        Short(overload, 0.86, Load.Shedding);
        var refused = server.Ask("GET", "/film/index.m3u8", "User-Agent: somebody new");
        Assert.Equal(503, refused.Status);
        Assert.Equal("10", refused["Retry-After"]);
        Assert.Equal(503, Unsigned(server, "/open/a.ts").Status);
        using var another = server.Connect();
        Assert.Equal(200, another.Ask("GET", session + "/film/a.ts").Status);
        Assert.Equal(200, another.Ask("GET", link).Status); // the session that it opened before
        Assert.Equal(200, known.Ask("GET", "/open/a.ts").Status);
        // Other rules, and he is the same viewer.
        var (gate, rules) = (server.Get<PlaybackGate>(), server.Get<PlaybackGate>().Rules);
        Directory.SetLastWriteTimeUtc(Path.Combine(server.Get<DataOptions>().Dir, "keys"), DateTime.UtcNow.AddSeconds(-3));
        Until.True(() => gate.Rules != rules, "the keys are read again");
        Assert.Equal(200, known.Ask("GET", "/open/a.ts").Status);
        Assert.Equal(200, Unsigned(server, "/health/ready").Status);
        Assert.Equal(HealthState.Degraded, Entry(server).State);
        Assert.True(overload.RefusedViewers >= 2);
        // Not an attack that the audit log should fill with.
        Assert.DoesNotContain("overloaded", server.Log("audit.log"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_server_takes_no_connection_and_says_that_it_is_not_ready()
    {
        await using var server = await StartAsync();
        var overload = server.Get<Overload>();
        using var known = server.Connect();
        Assert.Equal(200, known.Ask("GET", "/health/ready").Status);
        Short(overload, 0.93, Load.Full);
        using (var socket = new System.Net.Sockets.TcpClient("127.0.0.1", server.Port))
        {
            socket.ReceiveTimeout = 5000;
            Assert.Equal(0, socket.GetStream().Read(new byte[1]));
        }
        Assert.Equal(503, known.Ask("GET", "/health/ready").Status);
        Until.True(() => overload.RefusedConnections > 0, "the connection is counted");
        Short(overload, null, Load.Normal);
        Assert.Equal(200, Unsigned(server, "/health/ready").Status);
    }

    [Fact]
    public async Task Between_the_bounds_it_stays_as_it_was()
    {
        await using var server = await StartAsync();
        var overload = server.Get<Overload>();
        overload.Judge(0.84);
        Assert.Equal(Load.Normal, overload.Load);
        Short(overload, 0.95, Load.Full);
        Short(overload, 0.84, Load.Shedding);
        overload.Judge(0.81);
        Assert.Equal(Load.Shedding, overload.Load);
        Short(overload, 0.79, Load.Normal);
        Assert.Single(server.Log().Split('\n'), l => l.Contains("load is Full now", StringComparison.Ordinal));
    }

    private static void Short(Overload overload, double? share, Load load)
    {
        overload.Forced = share;
        Until.Equal(load, () => overload.Load, $"at {share}");
    }

    private static HealthEntry Entry(TestServer server) => server.Get<HealthChecks>().Entries.Single(e => e.Name == "memory");

    private static Answer Unsigned(TestServer server, string target)
    {
        using var client = server.Connect();
        return client.Ask("GET", target);
    }

    private static async Task<TestServer> StartAsync()
    {
        var server = await TestServer.StartAsync("--access.public=/open/**");
        server.Write("film/a.ts", [1, 2, 3]);
        server.Write("open/a.ts", [1, 2, 3]);
        server.Write("film/index.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n");
        return server;
    }
}
