using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Cache;

/// <summary>One version, or an end that shows: never two of them in one body.</summary>
public sealed class VersionTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public async Task A_film_that_changes_while_it_is_watched_ends_and_the_next_viewer_gets_the_new_one()
    {
        var (old, newer) = (Pattern.Bytes(12 * MiB, 1), Pattern.Bytes(12 * MiB, 2));
        var changed = false;
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, changed ? newer : old, changed ? "\"2\"" : "\"1\""));
        await using var server = await origin.FrontAsync();
        using (var client = server.Connect())
        {
            client.Send(RawClient.Request("GET", TestServer.Signed("/film.mp4"), "Range: bytes=0-99")).Read();
            changed = true;
            client.Send(RawClient.Request("GET", TestServer.Signed("/film.mp4"))).ReadHead();
            var got = client.ReadToEnd(out var ending);
            Assert.NotEqual(Ending.Orderly, ending);
            Assert.InRange(got.Length, 0, old.Length - 1);
            Pattern.AssertSame(old.AsSpan(0, got.Length), got);
        }
        Pattern.AssertSame(newer, server.Fetch("/film.mp4").Body);
    }

    [Fact]
    public async Task A_body_that_ends_early_and_has_no_tag_to_go_on_by_does_not_look_whole()
    {
        using var read = new SemaphoreSlim(0);
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            c.Response.Headers.CacheControl = "max-age=60";
            c.Response.ContentLength = 2 * MiB;
            await c.Response.BodyWriter.WriteAsync(new byte[MiB + 3]);
            // A reset throws away what lies in queues.
            await read.WaitAsync();
            c.Abort();
        });
        await using var server = await origin.FrontAsync("--backend.retries=0");
        for (var i = 0; i < 2; i++)
        {
            using var client = server.Connect();
            Assert.Equal(200, client.Send(RawClient.Request("GET", TestServer.Signed("/cut.ts"))).ReadHead().Status);
            client.ReadBody(MiB + 3);
            read.Release();
            Assert.Empty(client.ReadToEnd(out var ending));
            Assert.NotEqual(Ending.Orderly, ending);
        }
        Assert.Equal(2, origin.Requests.Count);
        // Before the first byte has gone to a viewer it is an error like others.
        origin.Answer = static c =>
        {
            c.Response.ContentLength = 100;
            c.Abort();
            return Task.CompletedTask;
        };
        Assert.Equal(502, server.Fetch("/other.ts").Status);
    }

    [Fact]
    public async Task A_film_is_asked_about_when_it_is_old_and_served_when_the_origin_fails()
    {
        var clock = new HandClock();
        var fails = false;
        await using var origin = await ScriptedOrigin.StartAsync(c =>
        {
            if (!fails)
                return ScriptedOrigin.File(c, "segment"u8.ToArray(), "\"1\"", "max-age=10");
            c.Response.StatusCode = 500;
            return Task.CompletedTask;
        });
        await using var server = await origin.FrontAsync(clock, "--access.max_lifetime=0", "--backend.retries=0");
        Assert.Equal("XLive; fwd=miss; stored", server.Fetch("/a.ts")["Cache-Status"]);
        clock.Pass(TimeSpan.FromSeconds(5));
        var hit = server.Fetch("/a.ts");
        Assert.Equal("XLive; hit", hit["Cache-Status"]);
        Assert.InRange(int.Parse(hit["Age"]!, System.Globalization.CultureInfo.InvariantCulture), 5, 9);
        clock.Pass(TimeSpan.FromSeconds(10));
        Assert.Equal("XLive; fwd=stale; fwd-status=304", server.Fetch("/a.ts")["Cache-Status"]);
        Assert.Equal("\"1\"", origin.Requests.Last().Headers["If-None-Match"]);
        clock.Pass(TimeSpan.FromHours(1));
        fails = true;
        var stale = server.Fetch("/a.ts");
        Assert.Equal((200, "segment", "XLive; hit; fwd=stale; fwd-status=500"), (stale.Status, stale.Text, stale["Cache-Status"]));
        clock.Pass(TimeSpan.FromDays(2));
        Assert.Equal(500, server.Fetch("/a.ts").Status);
    }

    [Fact]
    public async Task A_live_playlist_is_never_old()
    {
        var clock = new HandClock();
        var text = Live(1);
        await using var origin = await ScriptedOrigin.StartAsync(c =>
        {
            if (text is null)
            {
                c.Abort();
                return Task.CompletedTask;
            }
            c.Response.Headers.CacheControl = "max-age=2, stale-while-revalidate=100, stale-if-error=100";
            return c.Response.WriteAsync(text);
        });
        await using var server = await origin.FrontAsync(clock, "--access.max_lifetime=0", "--backend.retries=0", "--cache.rules=[{match: '/**', stale: 1h}]");
        Assert.Contains("s1.ts", server.Fetch("/live/a.m3u8").Text, StringComparison.Ordinal);
        text = Live(2);
        Assert.Contains("s1.ts", server.Fetch("/live/a.m3u8").Text, StringComparison.Ordinal);
        clock.Pass(TimeSpan.FromSeconds(3));
        Assert.Contains("s2.ts", server.Fetch("/live/a.m3u8").Text, StringComparison.Ordinal);
        text = null;
        clock.Pass(TimeSpan.FromSeconds(3));
        Assert.Equal(502, server.Fetch("/live/a.m3u8").Status);

        static string Live(int number) => $"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:{number}\n#EXTINF:4,\ns{number}.ts\n";
    }

    [Fact]
    public async Task What_is_old_and_may_be_is_answered_at_once_and_asked_for_meanwhile()
    {
        var clock = new HandClock();
        var (gate, text) = (new TaskCompletionSource(), "one");
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            if (text == "two")
                await gate.Task;
            await ScriptedOrigin.File(c, System.Text.Encoding.ASCII.GetBytes(text), $"\"{text}\"", "max-age=10, stale-while-revalidate=30");
        });
        await using var server = await origin.FrontAsync(clock, "--access.max_lifetime=0");
        Assert.Equal("one", server.Fetch("/a.jpg").Text);
        clock.Pass(TimeSpan.FromSeconds(20));
        text = "two";
        for (var i = 0; i < 5; i++)
            Assert.Equal("one", server.Fetch("/a.jpg").Text);
        gate.SetResult();
        Until.Equal("two", () => server.Fetch("/a.jpg").Text, "the new version");
        Assert.Equal(2, origin.Requests.Count);
    }

    [Fact]
    public async Task A_purge_forgets_one_file_or_all_below_a_folder()
    {
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, "x"u8.ToArray(), "\"1\""));
        await using var server = await origin.FrontAsync();
        foreach (var path in (string[])["/a/1.ts", "/a/2.ts", "/b/1.ts", "/a/1.ts?v=2"])
            server.Fetch(path);
        var cache = server.Get<OriginCache>();
        Assert.Equal(2, await cache.PurgeAsync([new CacheScope("/a/1.ts", false)]));
        Assert.Equal("XLive; fwd=miss; stored", server.Fetch("/a/1.ts")["Cache-Status"]);
        Assert.Equal("XLive; hit", server.Fetch("/a/2.ts")["Cache-Status"]);
        Assert.Equal(2, await cache.PurgeAsync([new CacheScope("/a/", true)]));
        Assert.Equal("XLive; fwd=miss; stored", server.Fetch("/a/2.ts")["Cache-Status"]);
        Assert.Equal("XLive; hit", server.Fetch("/b/1.ts")["Cache-Status"]);
    }
}
