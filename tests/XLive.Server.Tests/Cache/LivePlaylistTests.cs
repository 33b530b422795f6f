using System.Text;
using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Cache;

/// <summary>A live playlist of an origin: never old, and asked for once however many wait.</summary>
public sealed class LivePlaylistTests
{
    private static string Live(int number, int target) => $"#EXTM3U\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:{number}\n#EXTINF:{target},\ns{number}.ts\n";

    [Theory]
    [InlineData("max-age=3600", "", 4, 2)]
    [InlineData("max-age=3600", "", 12, 6)]
    [InlineData("s-maxage=3600, stale-while-revalidate=60", "", 4, 2)]
    [InlineData("max-age=1", "", 12, 1)]
    [InlineData("", "", 12, 1)]
    [InlineData("no-store", "--cache.rules=[{match: '/**', ttl: 1h, stale: 1h}]", 6, 3)]
    [InlineData("max-age=3600", "--cache.rules=[{match: '/**', ttl: 2s}]", 12, 2)]
    [InlineData("max-age=3600", "", 1, 1)]
    public async Task It_is_fresh_for_half_a_target_duration_at_most(string control, string rule, int target, int fresh)
    {
        var clock = new HandClock();
        var number = 1;
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, Encoding.ASCII.GetBytes(Live(number, target)), $"\"{number}\"", control));
        string[] settings = rule.Length > 0 ? ["--access.max_lifetime=0", rule] : ["--access.max_lifetime=0"];
        await using var server = await origin.FrontAsync(clock, settings);
        Assert.Contains("s1.ts", server.Fetch("/live/a.m3u8").Text, StringComparison.Ordinal);
        // The same again, told by a 304, is fresh for no longer either.
        clock.Pass(TimeSpan.FromSeconds(fresh + 1));
        server.Fetch("/live/a.m3u8");
        Assert.Equal(2, origin.Requests.Count);
        number = 2;
        clock.Pass(TimeSpan.FromSeconds(fresh) - TimeSpan.FromMilliseconds(500));
        var kept = server.Fetch("/live/a.m3u8");
        Assert.Contains("s1.ts", kept.Text, StringComparison.Ordinal);
        Assert.Equal((fresh - 1).ToString(System.Globalization.CultureInfo.InvariantCulture), kept["Age"]);
        Assert.Equal(2, origin.Requests.Count);
        clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Contains("s2.ts", server.Fetch("/live/a.m3u8").Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no-store", "/live/a.m3u8?_HLS_msn=5&_HLS_part=1", 1)]
    [InlineData("no-store", "/live/a.m3u8", 1)]
    [InlineData("max-age=0, no-store", "/live/a.m3u8", 1)]
    [InlineData("private, no-store", "/live/a.m3u8", 20)]
    [InlineData("no-store, private", "/live/a.m3u8?_HLS_msn=5", 20)]
    public async Task Who_waits_for_one_that_may_not_be_stored_shares_it_unless_it_is_private(string control, string path, int asked)
    {
        var gate = new TaskCompletionSource();
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            c.Response.Headers.CacheControl = control;
            await gate.Task;
            await c.Response.WriteAsync(Live(7, 4));
        });
        await using var server = await origin.FrontAsync();
        var crowd = Crowd.Of(20, _ => Assert.Contains("s7.ts", server.Fetch(path).Text, StringComparison.Ordinal));
        Until.Equal(19, () => server.Get<OriginCache>().Figures.Joined, "who waits");
        gate.SetResult();
        await crowd;
        Assert.Equal(asked, origin.Requests.Count);
        // Nothing of it is kept for who comes later.
        server.Fetch(path);
        Assert.Equal(asked + 1, origin.Requests.Count);
    }

    [Fact]
    public async Task A_crowd_on_an_error_and_after_it_asks_once_each_time()
    {
        var status = 503;
        var gate = new TaskCompletionSource();
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            var (said, text) = (status, status == 200 ? Live(7, 4) : "soon");
            await gate.Task;
            c.Response.StatusCode = said;
            c.Response.Headers.CacheControl = "no-store";
            c.Response.ContentLength = text.Length;
            await c.Response.WriteAsync(text);
        });
        await using var server = await origin.FrontAsync("--backend.retries=0");
        var joined = server.Get<OriginCache>().Figures;
        for (var turn = 1; turn <= 2; turn++)
        {
            var crowd = Crowd.Of(10, _ => Assert.Equal(status, server.Fetch("/live/a.m3u8").Status));
            Until.Equal(9 * turn, () => joined.Joined, "who waits");
            gate.SetResult();
            await crowd;
            Assert.Equal(turn, origin.Requests.Count);
            (status, gate) = (200, new TaskCompletionSource());
        }
    }
}
