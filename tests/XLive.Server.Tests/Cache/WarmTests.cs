using System.Text;
using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Playback.Vod.Warming;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Sessions;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Cache;

/// <summary>POST /api/v1/cache/warm: fetched before anybody asks for it.</summary>
public sealed class WarmTests
{
    private const int MiB = 1 << 20;

    private const string Multivariant = """
        #EXTM3U
        #EXT-X-SESSION-KEY:METHOD=AES-128,URI="session.bin"
        #EXT-X-SESSION-DATA:DATA-ID="x",URI="data.json"
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="audio/index.m3u8"
        #EXT-X-STREAM-INF:BANDWIDTH=1000000,AUDIO="a"
        720/index.m3u8?v=2
        #EXT-X-STREAM-INF:BANDWIDTH=2000000,AUDIO="a"
        /film/1080/index.m3u8
        #EXT-X-STREAM-INF:BANDWIDTH=3000000,AUDIO="a"
        http://elsewhere.example/2160/index.m3u8
        """;

    private static string Media(params string[] segments) =>
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=AES-128,URI=\"secret.bin\"\n#EXT-X-MAP:URI=\"init.mp4\"\n"
        + string.Concat(segments.Select(static s => "#EXTINF:4,\n" + s + "\n")) + "#EXT-X-ENDLIST\n";

    private static Task Answer(HttpContext context) => context.Request.Path.Value switch
    {
        "/film/index.m3u8" => Text(context, Multivariant),
        "/film/720/index.m3u8" => Text(context, Media("a.ts", "b%20b.ts", "a.ts")),
        "/film/1080/index.m3u8" => Text(context, Media("../1080/a.ts")),
        "/film/audio/index.m3u8" => Text(context, Media("a.aac", "gone.aac")),
        "/film/audio/gone.aac" => ScriptedOrigin.NotFound(context),
        var path => ScriptedOrigin.File(context, Pattern.Bytes(300_000, path!.Length), "\"s\""),
    };

    private static Task Text(HttpContext context, string text) => ScriptedOrigin.File(context, Encoding.UTF8.GetBytes(text), "\"p\"");

    [Fact]
    public async Task A_playlist_is_warmed_with_all_that_it_names_but_no_key()
    {
        await using var origin = await ScriptedOrigin.StartAsync(Answer);
        await using var server = await origin.FrontAsync(CacheApi.Open);
        var job = await CacheApi.WarmAsync(server, "/film/index.m3u8");
        Assert.Equal(("incomplete", 12, 1, 13), CacheApi.Sums(job));
        Assert.Equal("/film/audio/gone.aac: the origin answered 404", CacheApi.Failures(job));
        Assert.Equal(
            [
                "/film/1080/a.ts", "/film/1080/index.m3u8", "/film/1080/init.mp4", "/film/720/a.ts", "/film/720/b%20b.ts", "/film/720/index.m3u8?v=2",
                "/film/720/init.mp4", "/film/audio/a.aac", "/film/audio/gone.aac", "/film/audio/index.m3u8", "/film/audio/init.mp4", "/film/data.json", "/film/index.m3u8",
            ],
            origin.Requests.Select(static r => r.Target).Order(StringComparer.Ordinal));
        var asked = origin.Requests.Count;
        foreach (var path in (string[])["/film/720/a.ts", "/film/720/b%20b.ts", "/film/audio/init.mp4"])
            Assert.Equal("XLive; hit", server.Fetch(path)["Cache-Status"]);
        Assert.Equal(asked, origin.Requests.Count);
        Assert.Contains("\"local\" \"warms /film/index.m3u8, as ", server.Log("audit.log"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_viewer_who_comes_meanwhile_waits_for_the_same_answer()
    {
        var segment = Pattern.Bytes(2 * MiB, 3);
        var gate = new TaskCompletionSource();
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            await gate.Task;
            await ScriptedOrigin.File(c, segment, "\"s\"");
        });
        await using var server = await origin.FrontAsync(CacheApi.Open);
        var id = await CacheApi.StartAsync(server, "/a.ts");
        Until.Equal(1, () => origin.Requests.Count, "the warming's request");
        var viewers = Crowd.Of(5, _ => Pattern.AssertSame(segment, server.Fetch("/a.ts").Body));
        Until.Equal(5, () => server.Get<OriginCache>().Figures.Joined, "who waits");
        gate.SetResult();
        await viewers;
        Assert.Equal(("done", 1, 0, 1), CacheApi.Sums(await CacheApi.OverAsync(server, id)));
        Assert.Single(origin.Requests);
    }

    [Fact]
    public async Task A_long_film_is_warmed_to_its_end()
    {
        var film = Pattern.Bytes(20 * MiB + 17, 4);
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, film, "\"f\""));
        await using var server = await origin.FrontAsync(CacheApi.Open, "--cache.memory=64MiB");
        var job = await CacheApi.WarmAsync(server, "/film.mp4");
        Assert.Equal((("done", 1, 0, 1), (long)film.Length), (CacheApi.Sums(job), job.GetProperty("bytes").GetInt64()));
        var asked = origin.Requests.Count;
        Pattern.AssertSame(film, server.Fetch("/film.mp4").Body);
        Assert.Equal(asked, origin.Requests.Count);
    }

    [Fact]
    public async Task A_library_that_is_looked_through_once_does_not_push_out_what_was_warmed()
    {
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, new byte[MiB], "\"s\""));
        await using var server = await origin.FrontAsync(CacheApi.Open, "--cache.memory=16MiB");
        string[] warmed = [.. Enumerable.Range(0, 8).Select(static i => $"/warm/{i}.ts")];
        Assert.Equal(("done", 8, 0, 8), CacheApi.Sums(await CacheApi.WarmAsync(server, warmed)));
        // One after the other: what the server still sends, for all it knows, cannot go, and where eight cannot a warm one does.
        var cache = server.Get<OriginCache>();
        for (var i = 0; i < 60; i++)
        {
            var scanned = $"/scan/{i}.ts";
            server.Fetch(scanned);
            Until.True(() => cache.Find(scanned, new HeaderDictionary())?.At(0) is not { IsInUse: true }, "it is sent");
        }
        var asked = origin.Requests.Count;
        foreach (var path in warmed)
            server.Fetch(path);
        Assert.Equal(asked, origin.Requests.Count);
    }

    [Fact]
    public async Task No_more_is_warmed_than_memory_keeps()
    {
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, new byte[MiB], "\"s\""));
        await using var server = await origin.FrontAsync(CacheApi.Open, "--cache.memory=16MiB");
        var job = await CacheApi.WarmAsync(server, [.. Enumerable.Range(0, 40).Select(static i => $"/{i}.ts")]);
        Assert.Equal("incomplete", job.GetProperty("state").GetString());
        Assert.Contains("does not fit: of cache.memory 10905185 bytes", job.GetProperty("why").GetString(), StringComparison.Ordinal);
        Assert.Equal((10, 10L * MiB), (job.GetProperty("warm").GetInt32(), job.GetProperty("bytes").GetInt64()));
        Assert.InRange(origin.Requests.Count, 11, 14);
        Assert.Equal(0, server.Get<BlockBudget>().Evicted);
    }

    [Fact]
    public async Task A_playlist_that_names_more_than_is_kept_is_not_followed_to_its_end()
    {
        var text = Encoding.ASCII.GetBytes(Media([.. Enumerable.Range(0, 700).Select(static i => $"{i}.ts")]));
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, c.Request.Path == "/p.m3u8" ? text : "x"u8.ToArray(), "\"s\""));
        await using var server = await origin.FrontAsync(CacheApi.Open, "--cache.memory=16MiB");
        var job = await CacheApi.WarmAsync(server, "/p.m3u8");
        Assert.Equal("names more than cache.memory keeps the heads of, 512", job.GetProperty("why").GetString());
        Assert.Equal(512, job.GetProperty("total").GetInt32());
    }

    [Theory]
    [InlineData("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXTINF:4,\nb.ts\n", 1)]
    [InlineData("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\np.m3u8?next\n#EXT-X-STREAM-INF:BANDWIDTH=2\np.m3u8\n", 2)]
    [InlineData("no playlist\na.ts\n", 1)]
    public async Task A_live_playlist_is_warmed_alone_and_a_circle_ends(string text, int asked)
    {
        await using var origin = await ScriptedOrigin.StartAsync(c => Text(c, text));
        await using var server = await origin.FrontAsync(CacheApi.Open);
        Assert.Equal(("done", asked, 0, asked), CacheApi.Sums(await CacheApi.WarmAsync(server, "/p.m3u8")));
        Assert.Equal(asked, origin.Requests.Count);
    }

    [Fact]
    public async Task By_prefix_all_that_is_kept_is_asked_about_again_and_what_nobody_knows_is_refused()
    {
        await using var origin = await ScriptedOrigin.StartAsync(c =>
        {
            c.Response.Headers.Vary = "X-Player";
            return c.Request.Path == "/a/none.jpg" ? ScriptedOrigin.NotFound(c) : ScriptedOrigin.File(c, "x"u8.ToArray(), "\"1\"");
        });
        await using var server = await origin.FrontAsync(CacheApi.Open);
        // Keys and errors are kept too, and are not asked for again.
        foreach (var path in (string[])["/a/1.ts", "/a/2.ts?v=2", "/b.ts", "/a/k.key", "/a/none.jpg"])
            server.Fetch(path);
        server.Fetch("/a/1.ts", "X-Player: other");
        origin.Requests.Clear();
        Assert.Equal(("done", 3, 0, 3), CacheApi.Sums(await CacheApi.WarmAsync(server, "/a/")));
        Assert.Equal(
            ["/a/1.ts  \"1\"", "/a/1.ts other \"1\"", "/a/2.ts?v=2  \"1\""],
            origin.Requests.Select(static r => $"{r.Target} {r.Headers.GetValueOrDefault("X-Player")} {r.Headers["If-None-Match"]}").Order(StringComparer.Ordinal));
        var refused = SessionApi.Json(await CacheApi.PostAsync(server, "/api/v1/cache/warm", CacheApi.Paths("/b.ts", "/c*")), 400);
        Assert.Contains("paths[1] covers nothing that is kept", refused.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains("paths[0] has a dot segment", SessionApi.Json(await CacheApi.PostAsync(server, "/api/v1/cache/warm", CacheApi.Paths("/../b")), 400).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_warm_is_told_with_its_reason()
    {
        await using var origin = await ScriptedOrigin.StartAsync(c => c.Request.Path.Value switch
        {
            "/none.ts" => ScriptedOrigin.NotFound(c),
            "/own.jpg" => ScriptedOrigin.File(c, "x"u8.ToArray(), "\"1\"", "private"),
            _ => ScriptedOrigin.File(c, "x"u8.ToArray(), "\"1\"", "no-store"),
        });
        await using var server = await origin.FrontAsync(CacheApi.Open, "--backend.mode=hybrid");
        server.Write("here.ts", "folder");
        var job = await CacheApi.WarmAsync(server, "/none.ts", "/own.jpg", "/passing.ts", "/a.key", "/.hidden", "/stats", "/here.ts");
        Assert.Equal(("incomplete", 0, 7, 7), CacheApi.Sums(job));
        Assert.Equal(
            "/.hidden: is no path of media; /a.key: is a key: those are fetched for viewers alone; /here.ts: lies in the folder, and is never asked of an origin; "
            + "/none.ts: the origin answered 404; /own.jpg: is not to be kept, says the origin or a rule of cache.rules; "
            + "/passing.ts: is not to be kept, says the origin or a rule of cache.rules; /stats: is no path of media",
            CacheApi.Failures(job));
        Assert.Equal(3, origin.Requests.Count);
    }

    [Fact]
    public async Task An_origin_that_fails_is_not_asked_for_all_of_it()
    {
        await using var origin = await ScriptedOrigin.StartAsync(c =>
        {
            c.Response.StatusCode = 206;
            c.Response.Headers.ContentRange = "bytes 5-1/3";
            return Task.CompletedTask;
        });
        await using var server = await origin.FrontAsync(CacheApi.Open, "--backend.retries=0");
        var job = await CacheApi.WarmAsync(server, [.. Enumerable.Range(0, 200).Select(static i => $"/{i}.ts")]);
        Assert.Contains("20 failed in a row", job.GetProperty("why").GetString(), StringComparison.Ordinal);
        Assert.InRange(job.GetProperty("failed").GetInt32(), 20, 24);
        Assert.Equal(20, job.GetProperty("failures").GetArrayLength());
    }

    [Fact]
    public async Task It_takes_a_share_of_the_connections_and_can_be_stopped()
    {
        var gate = new TaskCompletionSource();
        var now = 0;
        var most = 0;
        await using var origin = await ScriptedOrigin.StartAsync(async c =>
        {
            if (c.Request.Path == "/viewer.ts")
            {
                await ScriptedOrigin.File(c, "viewer"u8.ToArray(), "\"v\"");
                return;
            }
            lock (gate)
                most = Math.Max(most, ++now);
            await gate.Task;
            lock (gate)
                now--;
            await ScriptedOrigin.File(c, "x"u8.ToArray(), "\"1\"");
        });
        await using var server = await origin.FrontAsync(CacheApi.Open, "--backend.connector_limit=10", "--backend.connector_limit_per_host=10");
        string[] ids = new string[WarmJobs.MostRunning];
        for (var i = 0; i < ids.Length; i++)
            ids[i] = await CacheApi.StartAsync(server, [.. Enumerable.Range(0, 10).Select(n => $"/{i}/{n}.ts")]);
        var more = await CacheApi.PostAsync(server, "/api/v1/cache/warm", CacheApi.Paths("/more.ts"));
        Assert.Equal((429, "10"), (more.Status, more["Retry-After"]));
        Until.Equal(2, () => origin.Requests.Count, "two of ten connections");
        Assert.Equal("viewer", server.Fetch("/viewer.ts").Text);
        SessionApi.Json(await CacheApi.AskAsync(server, "DELETE", "/api/v1/cache/warm/" + ids[3]), 200);
        Assert.Equal("stopped", (await CacheApi.OverAsync(server, ids[3])).GetProperty("state").GetString());
        gate.SetResult();
        foreach (var id in ids[..3])
            Assert.Equal(("done", 10, 0, 10), CacheApi.Sums(await CacheApi.OverAsync(server, id)));
        Assert.Equal(2, most);
        Assert.Equal(404, (await CacheApi.AskAsync(server, "GET", "/api/v1/cache/warm/none")).Status);
    }

    [Fact]
    public async Task So_many_that_have_ended_are_remembered()
    {
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, "x"u8.ToArray(), "\"1\""));
        await using var server = await origin.FrontAsync(CacheApi.Open);
        var last = "";
        for (var i = 0; i < WarmJobs.MostKept + 3; i++)
        {
            last = await CacheApi.StartAsync(server, $"/{i}.ts");
            await CacheApi.OverAsync(server, last);
        }
        var jobs = SessionApi.Json(await CacheApi.AskAsync(server, "GET", "/api/v1/cache/warm"), 200).GetProperty("jobs");
        Assert.Equal((WarmJobs.MostKept, last), (jobs.GetArrayLength(), jobs[0].GetProperty("id").GetString()));
        var bounds = SessionApi.Json(await CacheApi.AskAsync(server, "GET", "/stats"), 200).GetProperty("cache");
        Assert.Equal((0, WarmJobs.MostKept), (bounds.GetProperty("warmings").GetInt32(), bounds.GetProperty("warmings_kept").GetInt32()));
    }
}
