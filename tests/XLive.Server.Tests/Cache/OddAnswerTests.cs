using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Cache;

/// <summary>Answers that an origin may give, and that must not become another file, half a file or an error of ours.</summary>
public sealed class OddAnswerTests
{
    private const int MiB = 1 << 20;

    [Theory]
    [InlineData(404)]
    [InlineData(500)]
    public async Task An_error_is_no_block_of_a_film(int status)
    {
        var segment = Pattern.Bytes(600, 3);
        var fails = false;
        await using var origin = await ScriptedOrigin.StartAsync(c =>
        {
            if (c.Request.Path != "/a.ts")
                return ScriptedOrigin.File(c, new byte[20 * MiB], "\"b\"");
            if (!fails)
                return ScriptedOrigin.File(c, segment, "\"a\"");
            c.Response.StatusCode = status;
            c.Response.Headers.CacheControl = "no-store";
            return c.Response.WriteAsync(new string('x', 2000));
        });
        await using var server = await origin.FrontAsync("--cache.memory=16MiB", "--backend.retries=0");
        Pattern.AssertSame(segment, server.Fetch("/a.ts").Body);
        server.Fetch("/b.mp4");
        fails = true;
        // A file that is gone is the origin's to say; what fails now may be there again.
        var answer = server.Fetch("/a.ts");
        Assert.Equal((status == 404 ? 404 : 502, status == 404), (answer.Status, answer.Text.Contains("xxx", StringComparison.Ordinal)));
        fails = false;
        Pattern.AssertSame(segment, server.Fetch("/a.ts").Body);
    }

    [Fact]
    public async Task A_part_of_a_film_whose_length_is_not_told_is_not_taken_for_all_of_it()
    {
        var film = Pattern.Bytes(10 * MiB, 3);
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            c.Response.OnStarting(() =>
            {
                if (c.Response.Headers.ContentRange.ToString() is { Length: > 0 } range)
                    c.Response.Headers.ContentRange = range[..range.IndexOf('/', StringComparison.Ordinal)] + "/*";
                return Task.CompletedTask;
            });
            await ScriptedOrigin.File(c, film, "\"f\"");
        });
        await using var server = await origin.FrontAsync();
        for (var i = 0; i < 2; i++)
        {
            Pattern.AssertSame(film, server.Fetch("/film.mp4").Body);
            var part = server.Fetch("/film.mp4", "Range: bytes=5-9");
            Assert.Equal((206, "bytes 5-9/*"), (part.Status, part["Content-Range"]));
        }
    }

    [Fact]
    public async Task A_question_mark_in_a_name_is_no_query()
    {
        await using var origin = await ScriptedOrigin.StartAsync(c =>
        {
            c.Response.Headers.CacheControl = "max-age=60";
            return c.Response.WriteAsync(c.Request.Path.Value!.Contains('?', StringComparison.Ordinal) ? "name" : "query");
        });
        await using var server = await origin.FrontAsync();
        Assert.Equal("name", server.Fetch("/a%3Fv=3").Text);
        Assert.Equal("query", server.Fetch("/a?v=3").Text);
        Assert.Equal(1, await server.Get<OriginCache>().PurgeAsync([new CacheScope("/a", false)]));
    }

    [Theory]
    [InlineData("", "X-Player")]
    [InlineData("X-Player", "X-Player, X-Other")]
    [InlineData("X-Other, X-Player", "X-Player")]
    public async Task A_304_may_say_what_a_file_varies_by(string first, string then)
    {
        var clock = new HandClock();
        var vary = first;
        await using var origin = await ScriptedOrigin.StartAsync(c =>
        {
            c.Response.Headers.Vary = vary;
            var player = c.Request.Headers["X-Player"].ToString();
            return ScriptedOrigin.File(c, System.Text.Encoding.ASCII.GetBytes(player), $"\"{player}\"", "max-age=10");
        });
        await using var server = await origin.FrontAsync(clock, "--access.max_lifetime=0");
        Assert.Equal("one", server.Fetch("/a.jpg", "X-Player: one").Text);
        clock.Pass(TimeSpan.FromSeconds(20));
        vary = then;
        Assert.Equal("XLive; fwd=stale; fwd-status=304", server.Fetch("/a.jpg", "X-Player: one")["Cache-Status"]);
        Assert.Equal("two", server.Fetch("/a.jpg", "X-Player: two").Text);
        Assert.Equal("XLive; hit", server.Fetch("/a.jpg", "X-Player: one")["Cache-Status"]);
    }

    [Fact]
    public async Task What_only_begins_as_a_tag_is_none()
    {
        var segment = Pattern.Bytes(600, 3);
        await using var origin = await ScriptedOrigin.StartAsync(c =>
            c.Request.Path == "/a.ts" ? ScriptedOrigin.File(c, segment, "\"a") : ScriptedOrigin.File(c, new byte[20 * MiB], "\"b\""));
        await using var server = await origin.FrontAsync("--cache.memory=16MiB");
        Pattern.AssertSame(segment, server.Fetch("/a.ts").Body);
        server.Fetch("/b.mp4");
        Pattern.AssertSame(segment, server.Fetch("/a.ts").Body);
    }

    [Fact]
    public async Task A_playlist_is_read_whole_whatever_range_is_asked_for()
    {
        const string text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n";
        var moved = true;
        await using var origin = await ScriptedOrigin.StartAsync(c =>
        {
            if (!moved)
                return ScriptedOrigin.File(c, System.Text.Encoding.ASCII.GetBytes(text), "\"p\"");
            c.Response.StatusCode = 302;
            c.Response.Headers.Location = "/elsewhere.m3u8";
            return Task.CompletedTask;
        });
        await using var server = await origin.FrontAsync();
        Assert.Equal(302, server.Fetch("/p.m3u8").Status);
        moved = false;
        // The viewer's own range must not go on.
        Assert.Contains("#EXT-X-ENDLIST", server.Fetch("/p.m3u8", "Range: bytes=0-9").Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_of_ours_is_not_in_the_origin_s_encoding()
    {
        await using var origin = await ScriptedOrigin.StartAsync(c =>
        {
            c.Response.Headers.ContentEncoding = "gzip";
            return ScriptedOrigin.File(c, Pattern.Bytes(100), "\"z\"");
        });
        await using var server = await origin.FrontAsync();
        Assert.Equal("gzip", server.Fetch("/a.ts")["Content-Encoding"]);
        var answer = server.Fetch("/a.ts", "Range: bytes=500-");
        Assert.Equal((416, null), (answer.Status, answer["Content-Encoding"]));
    }

    [Theory]
    [InlineData(205)]
    [InlineData(299)]
    [InlineData(451)]
    [InlineData(599)]
    [InlineData(999)]
    public async Task A_status_that_is_seldom_seen_is_passed_on(int status)
    {
        await using var origin = await ScriptedOrigin.StartAsync(c =>
        {
            c.Response.StatusCode = status;
            c.Response.Headers.CacheControl = c.Request.Path == "/kept.jpg" ? "max-age=60" : "no-store";
            return status == 205 ? Task.CompletedTask : c.Response.WriteAsync("odd");
        });
        await using var server = await origin.FrontAsync("--backend.retries=0");
        foreach (var path in (string[])["/kept.jpg", "/kept.jpg", "/passed.ts"])
        {
            var answer = server.Fetch(path);
            Assert.Equal((status, status == 205 ? "" : "odd"), (answer.Status, answer.Text));
        }
    }

    [Fact]
    public async Task An_answer_that_was_under_way_when_it_was_purged_is_not_kept()
    {
        var gate = new TaskCompletionSource();
        var text = "old";
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            var said = text;
            await gate.Task;
            await ScriptedOrigin.File(c, System.Text.Encoding.ASCII.GetBytes(said), $"\"{said}\"");
        });
        await using var server = await origin.FrontAsync();
        var first = Task.Factory.StartNew(() => server.Fetch("/a.jpg").Text, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Until.Equal(1, () => origin.Requests.Count, "requests");
        text = "new";
        await server.Get<OriginCache>().PurgeAsync([new CacheScope("/a.jpg", false)]);
        gate.SetResult();
        Assert.Equal("old", await first);
        Assert.Equal("new", server.Fetch("/a.jpg").Text);
    }
}
