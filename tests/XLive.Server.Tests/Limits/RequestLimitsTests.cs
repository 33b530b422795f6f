using System.Text;
using XLive.Server.Limits;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Limits;

public sealed class RequestLimitsTests
{
    private static async Task<TestServer> StartAsync(HandClock clock, string limits)
    {
        var server = await TestServer.StartAsync(clock, "--limits.requests=" + limits, "--access.max_lifetime=0");
        foreach (var folder in (string[])["a", "b"])
        {
            Directory.CreateDirectory(server.PathOf(folder));
            await File.WriteAllTextAsync(server.PathOf(folder + "/1.ts"), "media", TestContext.Current.CancellationToken);
        }
        return server;
    }

    private static Answer Ask(TestServer server, string target)
    {
        using var client = server.Connect();
        return client.Ask("GET", target);
    }

    [Fact]
    public async Task By_address_whatever_is_asked_for_and_told_when_to_come_again()
    {
        var clock = new HandClock();
        await using var server = await StartAsync(clock, "{window: 10s, count: 3, burst: 1}");
        Assert.Equal(200, Ask(server, TestServer.Signed("/a/1.ts")).Status);
        Assert.Equal(401, Ask(server, "/a/1.ts").Status);
        Assert.Equal(200, Ask(server, "/health/live").Status);
        Assert.Equal(400, Ask(server, "/a/%zz").Status);
        foreach (var target in (string[])[TestServer.Signed("/a/1.ts"), "/health/live", "/a/%zz"])
        {
            var refused = Ask(server, target);
            Assert.Equal((429, "4", "3", "0", "4"), (refused.Status, refused["Retry-After"], refused["RateLimit-Limit"], refused["RateLimit-Remaining"], refused["RateLimit-Reset"]));
            Assert.Contains("429 Too Many Requests: too many requests from this address; the next may come in 4 s", Encoding.ASCII.GetString(refused.Body), StringComparison.Ordinal);
        }
        clock.Pass(TimeSpan.FromSeconds(3.4));
        Assert.Equal(200, Ask(server, TestServer.Signed("/a/1.ts")).Status);
        Assert.Equal(429, Ask(server, TestServer.Signed("/a/1.ts")).Status);
        Assert.Equal(4, server.Get<RequestLimits>().Limiter.Refused);
        Assert.Equal(1, server.Get<RequestLimits>().Limiter.Keys);
    }

    [Fact]
    public async Task By_viewer_once_the_gate_knows_him()
    {
        await using var server = await StartAsync(new HandClock(), "[{window: 1m, count: 2, by: uid}]");
        var (one, other) = (TestServer.Signed("/a/1.ts"), "/a/1.ts?" + TestServer.Grant("somebody"));
        Assert.Equal([200, 200, 429], Enumerable.Range(0, 3).Select(_ => Ask(server, one).Status));
        Assert.Contains("by this viewer", Encoding.ASCII.GetString(Ask(server, one).Body), StringComparison.Ordinal);
        // A stranger with a wrong link is nobody, and uses up nobody's.
        Assert.Equal([401, 401, 401], Enumerable.Range(0, 3).Select(_ => Ask(server, other[..^4] + "AAAA").Status));
        Assert.Equal([200, 200, 429], Enumerable.Range(0, 3).Select(_ => Ask(server, other).Status));
    }

    [Fact]
    public async Task By_stream_whoever_asks()
    {
        await using var server = await StartAsync(new HandClock(), "[{window: 1m, count: 2, by: stream}, {window: 1m, count: 5, by: all}]");
        Assert.Equal(200, Ask(server, TestServer.Signed("/a/1.ts")).Status);
        Assert.Equal(200, Ask(server, "/a/1.ts?" + TestServer.Grant("somebody")).Status);
        Assert.Equal((429, "30"), (Ask(server, TestServer.Signed("/a/1.ts")).Status, Ask(server, TestServer.Signed("/a/1.ts"))["Retry-After"]));
        Assert.Equal([200, 429], Enumerable.Range(0, 2).Select(_ => Ask(server, TestServer.Signed("/b/1.ts")).Status));
    }

    [Theory]
    [InlineData("/live/cam.m3u8", "live/cam")]
    [InlineData("/live/cam/19f/v3.2.m4s", "live/cam")]
    [InlineData("/live/cam.a/v", "live/cam.a")]
    [InlineData("/film/1.ts", "film/1")]
    [InlineData("/film.mp4", "film")]
    [InlineData("/.x", ".x")]
    [InlineData("/", "")]
    public void A_stream_and_all_that_is_below_it_are_one(string path, string stream) => Assert.Equal(stream, StreamPath.Of(path).ToString());

    [Fact]
    public async Task Sign_ins_as_the_setting_says()
    {
        const string wrong = "{\"username\":\"nobody\",\"password\":\"wrong password\"}";
        await using (var server = await GateServer.StartAsync(rest: "limits:\n  logins: {window: 1h, count: 2, burst: 1}\n"))
        {
            for (var i = 0; i < 3; i++)
                Assert.Equal(401, (await Reply.Post(server.Port, "/login", wrong)).Status);
            Assert.Equal(429, (await Reply.Post(server.Port, "/login", wrong)).Status);
        }
        await using (var server = await GateServer.StartAsync(rest: "limits:\n  logins: []\n"))
        {
            for (var i = 0; i < 12; i++)
                Assert.Equal(401, (await Reply.Post(server.Port, "/login", wrong)).Status);
        }
    }

    [Theory]
    [InlineData("{count: 3, by: uid}", "is ip: whoever could shut out an account")]
    [InlineData("[{count: 3}, {count: 4}]", "is one limit")]
    public async Task Sign_ins_that_cannot_be_limited_so(string value, string why)
    {
        var fault = await Assert.ThrowsAsync<XLive.Server.Settings.SettingsException>(() => TestServer.StartAsync("--limits.logins=" + value));
        Assert.Contains(why, fault.Faults[0].ToString(), StringComparison.Ordinal);
    }
}
