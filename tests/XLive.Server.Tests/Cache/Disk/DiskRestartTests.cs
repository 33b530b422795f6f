using System.Globalization;
using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Cache.Disk;

/// <summary>What was kept is there again: after eviction from memory and in a new process, as it was and as old as it is.</summary>
public sealed class DiskRestartTests
{
    private const int MiB = 1 << 20;

    private static readonly byte[] Movie = Pattern.Bytes(3 * MiB + 17, 4);

    private static Task Film(HttpContext c) => c.Request.Path.Value switch
    {
        "/film/index.m3u8" => c.Response.WriteAsync("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\n720/index.m3u8\n"),
        "/film/720/index.m3u8" => c.Response.WriteAsync($"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXTINF:4,\nhttp://127.0.0.1:{c.Connection.LocalPort}/film/720/b.mp4\n#EXT-X-ENDLIST\n"),
        "/film/720/a.ts" => ScriptedOrigin.File(c, Pattern.Bytes(300_000, 5), "\"a\""),
        "/film/720/b.mp4" => ScriptedOrigin.File(c, Movie, "\"b\""),
        "/film/720/c.ts" => WithoutTag(c),
        _ => ScriptedOrigin.NotFound(c),
    };

    private static async Task WithoutTag(HttpContext c)
    {
        c.Response.Headers.CacheControl = "max-age=600";
        c.Response.ContentLength = 2 * MiB + 5;
        await c.Response.BodyWriter.WriteAsync(Pattern.Bytes(2 * MiB + 5, 6));
    }

    private static void Play(TestServer server)
    {
        using var client = server.Connect();
        var entry = client.Ask("GET", TestServer.Signed("/film/index.m3u8"));
        Assert.Equal(200, entry.Status);
        var further = entry.Text.Split('\n').Single(static l => l.StartsWith("/~s1.", StringComparison.Ordinal));
        var list = client.Ask("GET", further).Text;
        Assert.Contains("\nb.mp4\n", list, StringComparison.Ordinal);
        var below = further[..(further.LastIndexOf('/') + 1)];
        Pattern.AssertSame(Pattern.Bytes(300_000, 5), client.Ask("GET", below + "a.ts").Body);
        Pattern.AssertSame(Movie, client.Ask("GET", below + "b.mp4").Body);
        Pattern.AssertSame(Pattern.Bytes(2 * MiB + 5, 6), client.Ask("GET", below + "c.ts").Body);
        Pattern.AssertSame(Movie.AsSpan(2 * MiB - 5, 10), client.Ask("GET", below + "b.mp4", $"Range: bytes={2 * MiB - 5}-{2 * MiB + 4}").Body);
    }

    [Fact]
    public async Task A_film_plays_from_disk_when_the_origin_is_gone()
    {
        using var folder = new DiskFolder();
        await using var origin = await ScriptedOrigin.StartAsync(Film);
        await using (var first = await folder.FrontAsync(origin))
        {
            Play(first);
            // Two playlists of one block, 1 and 4 and 3 blocks.
            Until.Equal(10, () => first.Get<DiskCache>().Figures.Writes, "all written");
        }
        foreach (var file in folder.Files)
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        foreach (var each in Directory.EnumerateDirectories(folder.Path))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(each));
        origin.Answer = static c => Task.Run(c.Abort);
        var asked = origin.Requests.Count;
        await using var second = await folder.FrontAsync(origin);
        Play(second);
        Play(second);
        Assert.Equal(asked, origin.Requests.Count);
        Assert.Equal(0, second.Get<DiskCache>().Figures.Corrupt);
    }

    [Fact]
    public async Task What_left_memory_is_read_once_a_block_however_many_want_it()
    {
        using var folder = new DiskFolder();
        await using var origin = await ScriptedOrigin.StartAsync(Film);
        await using (var first = await folder.FrontAsync(origin))
        {
            first.Fetch("/film/720/b.mp4");
            Until.Equal(4, () => first.Get<DiskCache>().Figures.Writes, "all written");
        }
        await using var second = await folder.FrontAsync(origin);
        var asked = origin.Requests.Count;
        await Crowd.Of(40, _ => Pattern.AssertSame(Movie, second.Fetch("/film/720/b.mp4").Body));
        Assert.Equal((asked, 4L), (origin.Requests.Count, second.Get<DiskCache>().Figures.Hits));
        Assert.Equal("XLive; hit", second.Fetch("/film/720/b.mp4")["Cache-Status"]);
    }

    [Fact]
    public async Task Without_memory_for_a_block_pieces_come_from_disk()
    {
        using var folder = new DiskFolder();
        await using var origin = await ScriptedOrigin.StartAsync(Film);
        await using var server = await folder.FrontAsync(origin, "--cache.memory=16MiB");
        // One after the other: of so small a memory only two may wait for the disk.
        for (var i = 0; i < 4; i++)
        {
            server.Fetch("/film/720/b.mp4", string.Create(CultureInfo.InvariantCulture, $"Range: bytes={i * MiB}-{i * MiB + 9}"));
            Until.True(() => server.Get<DiskCache>().Figures.Writes > i, "written");
        }
        // All of the memory is held by somebody.
        var (budget, other) = (server.Get<BlockBudget>(), BlockBudgetTests.Film(64 * MiB));
        var held = new List<Block>();
        Until.True(() =>
        {
            while (budget.TryTake(other, held.Count, MiB) is { } block)
                held.Add(block);
            return held.Count == 16;
        }, "no memory left");
        origin.Answer = static c => Task.Run(c.Abort);
        Pattern.AssertSame(Movie.AsSpan(70_001), server.Fetch("/film/720/b.mp4", "Range: bytes=70001-").Body);
        Assert.InRange(server.Get<OriginCache>().Figures.Windows, 3 * MiB / BlockFile.PieceSize, 4 * MiB / BlockFile.PieceSize);
        foreach (var block in held)
            block.Release();
    }

    [Fact]
    public async Task Its_age_goes_on_and_a_304_counts_in_the_next_life_too()
    {
        var clock = new HandClock();
        using var folder = new DiskFolder();
        await using var origin = await ScriptedOrigin.StartAsync(static c => ScriptedOrigin.File(c, Pattern.Bytes(5000, 1), "\"1\"", "max-age=100"));
        await using (var first = await folder.FrontAsync(origin, clock))
        {
            first.Fetch("/a.ts");
            Until.Equal(1, () => first.Get<DiskCache>().Figures.Writes, "written");
        }
        clock.Pass(TimeSpan.FromSeconds(50));
        await using (var second = await folder.FrontAsync(origin, clock))
        {
            var answer = second.Fetch("/a.ts");
            Assert.Equal(("XLive; hit; detail=disk", "\"1\""), (answer["Cache-Status"], answer["ETag"]));
            Assert.InRange(int.Parse(answer["Age"]!, CultureInfo.InvariantCulture), 50, 52);
            clock.Pass(TimeSpan.FromSeconds(60));
            Assert.Equal("XLive; fwd=stale; fwd-status=304", second.Fetch("/a.ts")["Cache-Status"]);
            Until.True(() => second.Get<DiskCache>().Queue.IsIdle, "the head written anew");
        }
        Assert.Equal("\"1\"", origin.Requests.Last().Headers["If-None-Match"]);
        Assert.Equal(2, origin.Requests.Count);
        clock.Pass(TimeSpan.FromSeconds(30));
        await using var third = await folder.FrontAsync(origin, clock);
        var last = third.Fetch("/a.ts");
        Assert.Equal("XLive; hit; detail=disk", last["Cache-Status"]);
        Assert.InRange(int.Parse(last["Age"]!, CultureInfo.InvariantCulture), 30, 32);
        Assert.Equal(2, origin.Requests.Count);
    }

    [Fact]
    public async Task What_is_old_is_asked_about_meanwhile_or_answered_with_when_the_origin_fails()
    {
        var clock = new HandClock();
        using var folder = new DiskFolder();
        await using var origin = await ScriptedOrigin.StartAsync(static c =>
            ScriptedOrigin.File(c, Pattern.Bytes(5000, 1), "\"1\"", c.Request.Path == "/while.ts" ? "max-age=10, stale-while-revalidate=1000" : "max-age=10"));
        await using (var first = await folder.FrontAsync(origin, clock))
        {
            first.Fetch("/while.ts");
            first.Fetch("/error.ts");
            Until.Equal(2, () => first.Get<DiskCache>().Figures.Writes, "written");
        }
        clock.Pass(TimeSpan.FromSeconds(100));
        await using var second = await folder.FrontAsync(origin, clock);
        Assert.Equal("XLive; hit; fwd=stale; detail=disk", second.Fetch("/while.ts")["Cache-Status"]);
        Until.Equal(3, () => origin.Requests.Count, "asked about");
        Assert.Equal("\"1\"", origin.Requests.Last().Headers["If-None-Match"]);
        origin.Answer = static c => Task.Run(c.Abort);
        var stale = second.Fetch("/error.ts");
        Assert.Equal((200, "XLive; hit; fwd=stale; detail=\"origin failed\""), (stale.Status, stale["Cache-Status"]));
    }

    [Fact]
    public async Task Each_kind_of_request_finds_its_own()
    {
        using var folder = new DiskFolder();
        await using var origin = await ScriptedOrigin.StartAsync(static c =>
        {
            c.Response.Headers.Vary = "X-Player";
            return ScriptedOrigin.File(c, Pattern.Bytes(5000, c.Request.Headers["X-Player"] == "a" ? 1 : 2), c.Request.Headers["X-Player"] == "a" ? "\"a\"" : "\"b\"");
        });
        await using (var first = await folder.FrontAsync(origin))
        {
            Pattern.AssertSame(Pattern.Bytes(5000, 1), first.Fetch("/a.ts", "X-Player: a", "X-Secret: of-the-viewer").Body);
            Until.Equal(1, () => first.Get<DiskCache>().Figures.Writes, "written");
            Pattern.AssertSame(Pattern.Bytes(5000, 2), first.Fetch("/a.ts", "X-Player: b").Body);
            Until.Equal(2, () => first.Get<DiskCache>().Figures.Writes, "written");
        }
        Assert.Equal(3, folder.Files.Length);
        // Of his request only what the answer hangs on.
        Assert.False(folder.Holds("of-the-viewer"), "a viewer's own header");
        await using var second = await folder.FrontAsync(origin);
        Pattern.AssertSame(Pattern.Bytes(5000, 2), second.Fetch("/a.ts", "X-Player: b").Body);
        Pattern.AssertSame(Pattern.Bytes(5000, 1), second.Fetch("/a.ts", "X-Player: a").Body);
        Assert.Equal(2, origin.Requests.Count);
    }

    [Fact]
    public async Task Another_version_takes_the_place_of_the_old_one_and_its_files_go()
    {
        var clock = new HandClock();
        var version = 1;
        using var folder = new DiskFolder();
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, Pattern.Bytes(2 * MiB, version), $"\"{version}\"", "max-age=10"));
        await using (var first = await folder.FrontAsync(origin, clock))
        {
            first.Fetch("/a.ts");
            Until.Equal(2, () => first.Get<DiskCache>().Figures.Writes, "written");
        }
        var old = folder.Blocks;
        version = 2;
        clock.Pass(TimeSpan.FromSeconds(20));
        await using (var second = await folder.FrontAsync(origin, clock))
        {
            Pattern.AssertSame(Pattern.Bytes(2 * MiB, 2), second.Fetch("/a.ts").Body);
            Until.Equal(2, () => second.Get<DiskCache>().Figures.Writes, "written");
            Until.True(() => !folder.Blocks.Intersect(old).Any(), "the old version's files gone");
        }
        await using var third = await folder.FrontAsync(origin, clock);
        Pattern.AssertSame(Pattern.Bytes(2 * MiB, 2), third.Fetch("/a.ts").Body);
        Assert.Equal(2, origin.Requests.Count);
    }

    [Fact]
    public async Task A_change_that_shows_in_the_midst_of_a_film_ends_the_copy_on_disk()
    {
        var version = 1;
        using var folder = new DiskFolder();
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, Pattern.Bytes(12 * MiB, version), $"\"{version}\""));
        await using (var first = await folder.FrontAsync(origin))
        {
            first.Fetch("/a.mp4", "Range: bytes=0-9");
            Until.True(() => first.Get<DiskCache>().Figures.Writes >= 8, "written");
        }
        version = 2;
        await using var second = await folder.FrontAsync(origin);
        using (var client = second.Connect())
        {
            // It is fresh by its head, but what is not here comes no more.
            client.Send(RawClient.Request("GET", TestServer.Signed("/a.mp4"))).ReadHead();
            client.ReadToEnd(out var ending);
            Assert.NotEqual(Ending.Orderly, ending);
        }
        Pattern.AssertSame(Pattern.Bytes(12 * MiB, 2), second.Fetch("/a.mp4").Body);
    }
}
