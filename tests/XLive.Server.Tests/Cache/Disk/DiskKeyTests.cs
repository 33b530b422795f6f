using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Cache.Disk;

/// <summary>What must never lie on a disk.</summary>
public sealed class DiskKeyTests
{
    private const string Key = "0123456789abcdef";
    private const string Long = "a licence of some length, and no media whatever its name says";

    private static readonly Dictionary<string, (string Body, string Control)> Files = new(StringComparer.Ordinal)
    {
        ["/f/a.key"] = (Key, "public, max-age=3600"),
        ["/f/secret.bin"] = (Key, "public, max-age=3600"),
        ["/f/secret"] = (Key, "public, max-age=3600"),
        ["/f/k.ts"] = (Key, "public, max-age=3600"),
        ["/f/k.mp4"] = (Long, "public, max-age=3600"),
        ["/f/k.vtt"] = (Key, "public, max-age=3600"),
        ["/f/private.ts"] = (Media("private"), "private, max-age=3600"),
        ["/f/never.ts"] = (Media("never"), "no-store"),
        ["/f/authorized.ts"] = (Media("authorized"), "max-age=3600"),
        ["/f/live.m3u8"] = ("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nlive-1.ts\n", "max-age=3600"),
        ["/f/inline.m3u8"] = ($"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=AES-128,URI=\"data:text/plain,{Key}\"\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n", "max-age=3600"),
        ["/f/film.m3u8"] = ("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=AES-128,URI=\"k.ts\"\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n", "max-age=3600"),
        ["/f/a.ts"] = (Media("kept"), "max-age=3600"),
    };

    private static string Media(string text) => string.Concat(Enumerable.Repeat("G" + text.PadRight(187), 30));

    private static Task Answer(HttpContext c) =>
        Files.TryGetValue(c.Request.Path.Value!, out var file) ? ScriptedOrigin.File(c, System.Text.Encoding.ASCII.GetBytes(file.Body), "\"1\"", file.Control) : ScriptedOrigin.NotFound(c);

    [Fact]
    public async Task Keys_and_what_is_one_viewer_s_never_touch_the_disk()
    {
        using var folder = new DiskFolder();
        await using var origin = await ScriptedOrigin.StartAsync(Answer);
        await using var server = await folder.FrontAsync(origin, "--cache.rules=[{match: '/**', store: disk}]");
        // The keys first: no playlist has named them yet.
        foreach (var path in Files.Keys)
        {
            for (var i = 0; i < 3; i++)
                Assert.Equal(200, server.Fetch(path, path.Contains("authorized", StringComparison.Ordinal) ? ["Authorization: Basic b3JpZ2luOnM="] : []).Status);
        }
        var disk = server.Get<DiskCache>();
        Until.True(() => disk.Figures.Writes >= 2 && disk.Queue.IsIdle, "written what may be");
        Assert.True(folder.Holds("kept") && folder.Holds("#EXT-X-ENDLIST"), "what may be is there");
        foreach (var never in (string[])[Key, Long, "private  ", "never  ", "authorized  ", "live-1.ts"])
            Assert.False(folder.Holds(never), never);
        Assert.Equal(4, folder.Files.Length);
    }

    [Fact]
    public async Task What_a_playlist_names_as_its_key_later_goes_in_all_its_forms()
    {
        // As long as a key may be, and media by every look.
        var odd = "\0\0\0\u0020ftypisom a key that looks like a film".PadRight(100);
        await using var origin = await ScriptedOrigin.StartAsync(c => c.Request.Path == "/f/odd.mp4"
            ? ScriptedOrigin.File(c, System.Text.Encoding.Latin1.GetBytes(odd), "\"1\"")
            : ScriptedOrigin.File(c, System.Text.Encoding.ASCII.GetBytes(Files["/f/film.m3u8"].Body.Replace("k.ts", "odd.mp4", StringComparison.Ordinal)), "\"2\""));
        using var folder = new DiskFolder();
        await using var server = await folder.FrontAsync(origin);
        var disk = server.Get<DiskCache>();
        server.Fetch("/f/odd.mp4");
        server.Fetch("/f/odd.mp4?v=2");
        Until.Equal(2, () => disk.Figures.Writes, "written");
        Assert.True(folder.Holds("looks like a film"), "it was there");
        server.Fetch("/f/film.m3u8");
        Until.True(() => !folder.Holds("looks like a film"), "no key on disk");
        server.Fetch("/f/odd.mp4?v=3");
        Until.True(() => disk.Queue.IsIdle && disk.PurgesToSweep == 0, "done");
        // The playlist and its head.
        Assert.Equal(2, folder.Files.Length);
    }
}
