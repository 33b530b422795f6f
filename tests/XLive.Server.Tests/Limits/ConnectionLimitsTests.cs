using System.Text;
using XLive.Media.Tests.Rtmp;
using XLive.Server.Limits;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Rtmp;
using XLive.Server.Tests.Tls;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Limits;

public sealed class ConnectionLimitsTests
{
    private static readonly string Others = "?" + TestServer.Grant("somebody");

    private static async Task<TestServer> StartAsync(TimeProvider clock, string limits, params string[] settings)
    {
        var server = await TestServer.StartAsync(clock, ["--limits.connections=" + limits, "--access.max_lifetime=0", .. settings]);
        server.Write("a/1.ts", "media");
        server.Write("b/1.ts", "media");
        return server;
    }

    private static Answer Ask(RawClient client, string target = "/a/1.ts") => client.Ask("GET", TestServer.Signed(target));

    private static void AssertRefused(Answer answer, string words)
    {
        Assert.Equal((429, "5", "close"), (answer.Status, answer["Retry-After"], answer["Connection"]));
        Assert.Contains(words, Encoding.ASCII.GetString(answer.Body), StringComparison.Ordinal);
    }

    [Fact]
    public async Task So_many_of_an_address_are_open_at_a_time_and_one_that_ends_makes_room()
    {
        await using var server = await StartAsync(TimeProvider.System, "{count: 2, by: ip}");
        using var first = server.Connect();
        using var second = server.Connect();
        Assert.Equal([200, 200, 200], [Ask(first).Status, Ask(second).Status, Ask(first).Status]);
        using (var third = server.Connect())
        {
            AssertRefused(Ask(third), "429 Too Many Requests: too many open connections from this address; no more than 2 may be open at a time");
            third.AssertEnded();
        }
        // Who watches over the server comes in.
        using (var watcher = server.Connect())
            Assert.Equal(200, watcher.Ask("GET", "/health/live").Status);
        Assert.Equal(1, server.Get<ConnectionLimits>().Refused);
        second.Dispose();
        Until.True(() =>
        {
            using var next = server.Connect();
            return Ask(next).Status == 200;
        }, "there is room again");
        first.Reset();
        Until.Equal(0, () => server.Get<ConnectionLimits>().Keys, "places");
    }

    [Fact]
    public async Task Of_a_viewer_and_a_stranger_with_a_wrong_link_is_nobody()
    {
        await using var server = await StartAsync(TimeProvider.System, "{count: 1, by: uid}");
        using var first = server.Connect();
        using var second = server.Connect();
        Assert.Equal(200, Ask(first).Status);
        Assert.Equal(401, second.Ask("GET", ("/a/1.ts" + Others)[..^4] + "AAAA").Status);
        Assert.Equal(200, second.Ask("GET", "/a/1.ts" + Others).Status);
        using var third = server.Connect();
        var refused = Ask(third);
        Assert.Equal((429, "5"), (refused.Status, refused["Retry-After"]));
        Assert.Contains("too many open connections by this viewer", Encoding.ASCII.GetString(refused.Body), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_stream_and_one_that_goes_on_to_another_is_of_that()
    {
        await using var server = await StartAsync(TimeProvider.System, "[{count: 1, by: stream}, {count: 2, by: all}]");
        using var first = server.Connect();
        using var second = server.Connect();
        Assert.Equal([200, 429], [Ask(first, "/a/1.ts").Status, Ask(second, "/a/1.ts").Status]);
        Assert.Equal([200, 200], [Ask(first, "/b/1.ts").Status, Ask(second, "/a/1.ts").Status]);
        Assert.Equal([429, 200], [Ask(first, "/a/1.ts").Status, Ask(first, "/b/1.ts").Status]);
        using var third = server.Connect();
        AssertRefused(Ask(third, "/c/1.ts"), "at this server");
    }

    [Fact]
    public async Task So_many_new_ones_in_a_window_whatever_they_ask_then()
    {
        var clock = new HandClock();
        await using var server = await StartAsync(clock, "{count: 2, burst: 1, window: 30s, by: ip}");
        using var first = server.Connect();
        Assert.All(Enumerable.Range(0, 9), _ => Assert.Equal(200, Ask(first).Status));
        for (var i = 0; i < 2; i++)
        {
            using var next = server.Connect();
            Assert.Equal(200, Ask(next).Status);
        }
        using (var last = server.Connect())
        {
            var refused = Ask(last);
            Assert.Equal((429, "15", "2", "close"), (refused.Status, refused["Retry-After"], refused["RateLimit-Limit"], refused["Connection"]));
            Assert.Contains("too many new connections from this address; the next may come in 15 s", Encoding.ASCII.GetString(refused.Body), StringComparison.Ordinal);
        }
        Assert.Equal(200, Ask(first).Status);
        clock.Pass(TimeSpan.FromSeconds(15));
        using var late = server.Connect();
        Assert.Equal(200, Ask(late).Status);
    }

    [Fact]
    public async Task The_streams_of_http_2_are_one_connection()
    {
        await using var tls = new LimitedTlsServer();
        await tls.InitializeAsync();
        tls.Server.Write("a/1.ts", "media");
        using var client = tls.Http2();
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => TlsServer.Ask(client, "GET", TestServer.Signed("/a/1.ts"))));
        Assert.All(answers, a => Assert.Equal(200, a.Status));
        using var second = tls.Http2();
        Assert.Equal(429, (await TlsServer.Ask(second, "GET", TestServer.Signed("/a/1.ts"))).Status);
        Assert.Equal(1, tls.Server.Get<ConnectionLimits>().Keys);
    }

    public sealed class LimitedTlsServer : TlsServer
    {
        protected override string[] MoreSettings => ["--limits.connections={count: 1, by: ip}"];
    }

    [Fact]
    public async Task Rtmp_is_told_so_when_it_connects()
    {
        var port = FreePort.Next();
        await using var server = await StartAsync(TimeProvider.System, "{count: 1, by: ip}", $"--rtmp.port={port}");
        using var first = server.Connect();
        Assert.Equal(200, Ask(first).Status);
        using (var client = new RtmpClient(port))
        {
            client.Connect();
            var word = Encoding.Latin1.GetString(client.Hear("NetConnection.Connect.Rejected").Payload.Span);
            Assert.Contains("too many open connections from this address", word, StringComparison.Ordinal);
        }
        first.Dispose();
        Until.Equal(0, () => server.Get<ConnectionLimits>().Keys, "places");
        using var next = new RtmpClient(port);
        next.Connect();
        next.Hear("NetConnection.Connect.Success");
        using var other = server.Connect();
        Assert.Equal(429, Ask(other).Status);
    }

    [Fact]
    public async Task A_viewer_over_rtmp_is_told_so_when_he_plays()
    {
        var port = FreePort.Next();
        await using var server = await StartAsync(TimeProvider.System, "{count: 1, by: uid}", $"--rtmp.port={port}");
        using var first = server.Connect();
        Assert.Equal(200, Ask(first).Status);
        using var client = new RtmpClient(port);
        client.Connect();
        client.Send(Wire.Command(0, "createStream", 2, null), Wire.Command(1, "play", 3, null, "cam?" + TestServer.Grant()));
        Assert.Contains("too many open connections by this viewer", Encoding.Latin1.GetString(client.Hear("NetStream.Play.Failed").Payload.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_has_ended_takes_no_place_any_more()
    {
        await using var server = await StartAsync(TimeProvider.System, "{count: 1, by: ip}");
        var places = new ConnectionPlaces(server.Get<ConnectionLimits>());
        Assert.Null(server.Get<ConnectionLimits>().Take(places, System.Net.IPAddress.Loopback, isShared: false));
        using var one = server.Connect();
        Assert.Equal(429, Ask(one).Status);
        places.Dispose();
        using var other = server.Connect();
        Assert.Equal(200, Ask(other).Status);
        // Whoever has ended takes none any more: his last request may come after it.
        Assert.Null(places.Take(LimitBy.Ip, LimitKey.Of(System.Net.IPAddress.Broadcast)));
        Assert.Equal(1, server.Get<ConnectionLimits>().Keys);
    }

    [Fact]
    public async Task A_proxy_s_connection_is_of_many_addresses()
    {
        await using var server = await StartAsync(TimeProvider.System, "{count: 1, by: ip}", "--access.trusted_proxies=127.0.0.1");
        using var proxy = server.Connect();
        using var other = server.Connect();
        foreach (var client in (string[])["203.0.113.1", "203.0.113.2"])
        {
            Assert.Equal(200, proxy.Ask("GET", TestServer.Signed("/a/1.ts"), "X-Forwarded-For: " + client).Status);
            Assert.Equal(200, other.Ask("GET", TestServer.Signed("/a/1.ts"), "X-Forwarded-For: " + client).Status);
        }
    }
}
