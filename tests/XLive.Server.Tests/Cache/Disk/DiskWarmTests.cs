using System.Text;
using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Cache.Disk;

/// <summary>What an operator warms or purges is so in the next life too.</summary>
public sealed class DiskWarmTests
{
    private const int MiB = 1 << 20;

    private static readonly byte[] Movie = Pattern.Bytes(7 * MiB + 17, 4);

    private static Task Answer(HttpContext context) => context.Request.Path.Value switch
    {
        "/film/index.m3u8" => ScriptedOrigin.File(context, Encoding.UTF8.GetBytes(
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=AES-128,URI=\"secret.ts\"\n#EXTINF:4,\na.ts\n#EXTINF:4,\nmovie.mp4\n#EXT-X-ENDLIST\n"), "\"p\""),
        "/film/movie.mp4" => ScriptedOrigin.File(context, Movie, "\"m\""),
        var path => ScriptedOrigin.File(context, Pattern.Bytes(9000, path!.Length), "\"s\""),
    };

    [Fact]
    public async Task A_film_that_was_warmed_plays_in_the_next_life_without_its_origin()
    {
        using var folder = new DiskFolder();
        await using var origin = await ScriptedOrigin.StartAsync(Answer);
        // Two mebibytes may wait for the disk then, and it takes longer for each than the origin: the warming waits for it.
        await using (var first = await folder.FrontAsync(origin, CacheApi.Open, "--cache.memory=16MiB"))
        {
            first.Get<DiskCache>().Files.OnCall = static writes => Thread.Sleep(writes ? 50 : 0);
            Assert.Equal(("done", 3, 0, 3), CacheApi.Sums(await CacheApi.WarmAsync(first, "/film/index.m3u8")));
            Until.Equal(1 + 1 + 8, () => first.Get<DiskCache>().Figures.Writes, "all written");
        }
        Assert.DoesNotContain(origin.Requests, static r => r.Target == "/film/secret.ts");
        origin.Answer = static c => Task.Run(c.Abort);
        var asked = origin.Requests.Count;
        await using var second = await folder.FrontAsync(origin, CacheApi.Open);
        Assert.Equal("XLive; hit; detail=disk", second.Fetch("/film/index.m3u8")["Cache-Status"]);
        Pattern.AssertSame(Movie, second.Fetch("/film/movie.mp4").Body);
        Pattern.AssertSame(Pattern.Bytes(9000, "/film/a.ts".Length), second.Fetch("/film/a.ts").Body);
        // And from there it is warm in memory at once.
        Assert.Equal(("done", 3, 0, 3), CacheApi.Sums(await CacheApi.WarmAsync(second, "/film/index.m3u8")));
        Assert.Equal(asked, origin.Requests.Count);
    }

    [Fact]
    public async Task A_purged_beginning_stays_purged_however_the_process_ends()
    {
        using var folder = new DiskFolder();
        await using var origin = await ScriptedOrigin.StartAsync(Answer);
        string[] gone = ["/film1.ts", "/film10/a.ts", "/film1.ts?v=2"];
        var files = new Dictionary<string, byte[]>();
        byte[] list;
        using var looks = new ManualResetEventSlim(true);
        await using (var first = await folder.FrontAsync(origin, CacheApi.Open))
        {
            var disk = first.Get<DiskCache>();
            foreach (var path in (string[])[.. gone, "/film2.ts"])
                first.Fetch(path);
            Until.Equal(4, () => disk.Figures.Writes, "all written");
            Until.True(() => disk.Queue.IsIdle, "nothing waits");
            foreach (var file in folder.Files)
                files[file] = File.ReadAllBytes(file);
            // The folders are not looked through between the list's coming and its copy. The writer may begin with it before that, and then holds nothing up.
            byte[] List() => File.Exists(folder.Path + "/purges") ? File.ReadAllBytes(folder.Path + "/purges") : [];
            var before = List();
            disk.Files.OnCall = writes => _ = writes || List().AsSpan().SequenceEqual(before) || looks.Wait(Until.Patience);
            looks.Reset();
            Assert.Equal(3, await CacheApi.PurgeAsync(first, "/film1*"));
            list = File.ReadAllBytes(folder.Path + "/purges");
            looks.Set();
        }
        // As it was on disk if it had been killed when the purge was answered, with all files still to be removed.
        File.WriteAllBytes(folder.Path + "/purges", list);
        foreach (var (file, bytes) in files)
            File.WriteAllBytes(file, bytes);
        await using var second = await folder.FrontAsync(origin, CacheApi.Open);
        foreach (var path in gone)
            Assert.Equal("XLive; fwd=miss; stored", second.Fetch(path)["Cache-Status"]);
        Assert.Equal("XLive; hit; detail=disk", second.Fetch("/film2.ts")["Cache-Status"]);
    }
}
