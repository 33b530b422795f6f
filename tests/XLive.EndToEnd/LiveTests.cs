using System.Diagnostics;
using System.Globalization;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>From an encoder to players: pushed over RTMP, watched under signed links as HLS and as FLV.</summary>
[Collection(Undisturbed.Name)]
public sealed class LiveTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static Process Publish(string url)
    {
        var start = new ProcessStartInfo("ffmpeg", ["-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-f", "lavfi", "-i", "sine=f=440:r=48000",
            "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "2", "-b:v", "300k", "-c:a", "aac", "-t", "60", "-f", "flv", url])
        {
            RedirectStandardInput = true,
        };
        return Process.Start(start)!;
    }

    private static string Link(ServerProcess server, string path, string scope = "/live/cam") =>
        $"http://127.0.0.1:{server.Port}" + new SignedLink(path, "anna", DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 600, ServerProcess.Secret, Scope: scope).InQuery;

    private static string RtmpLink(ServerProcess server) =>
        $"rtmp://127.0.0.1:{server.RtmpPort}" + new SignedLink("/live/cam", "anna", DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 600, ServerProcess.Secret, Scope: "/live/cam").InQuery;

    private static async Task<string> Get(HttpClient client, string url)
    {
        using var answer = await client.GetAsync(new Uri(url), TestContext.Current.CancellationToken);
        return answer.IsSuccessStatusCode ? await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken) : "";
    }

    private static long Number(string playlist, string tag) => long.Parse(
        playlist.Split('\n').Single(l => l.StartsWith(tag + ":", StringComparison.Ordinal))[(tag.Length + 1)..], CultureInfo.InvariantCulture);

    private static async Task<string> Until(Func<Task<string>> get, Func<string, bool> holds, string what)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var text = await get();
            if (holds(text))
                return text;
            Assert.True(clock.Elapsed < Limit, $"{what}, but:\n{text}");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    // ffmpeg as a player: how many pictures it could show.
    private static async Task<int> Pictures(string url, double seconds)
    {
        var played = (await Tool.Run("ffmpeg", ["-hide_banner", "-nostdin", "-loglevel", "error", "-progress", "pipe:1", "-i", url, "-t", seconds.ToString(CultureInfo.InvariantCulture),
            "-map", "0:v", "-map", "0:a", "-f", "null", "-"], Limit)).MustSucceed();
        Assert.Equal("", played.Errors);
        return int.Parse(played.Output.Split('\n').Last(static l => l.StartsWith("frame=", StringComparison.Ordinal))[6..], CultureInfo.InvariantCulture);
    }

    // librtmp as a player: how many pictures are in three seconds of what it wrote. What is live it plays until it is interrupted.
    private static async Task<int> Dumped(ServerProcess server, TempFolder folder)
    {
        var file = Path.Combine(folder.Path, "dump.flv");
        await Tool.Run("timeout", ["--signal=INT", "5", "rtmpdump", "-r", RtmpLink(server), "--live", "-o", file], Limit);
        return await Pictures(file, 3);
    }

    [Fact]
    public async Task Pushed_over_RTMP_and_watched_as_HLS_and_FLV_through_a_publisher_s_return()
    {
        using var folder = new TempFolder();
        await using var server = await ServerProcess.Start(folder.Path, "--live.segment_seconds=1");
        var key = (await Tool.Run(Repository.Server, ["streamkey", "add", "live/cam", $"--data.dir={server.DataFolder}", $"--rtmp.port={server.RtmpPort}"], Limit)).MustSucceed().Output.Trim();
        Assert.StartsWith($"rtmp://localhost:{server.RtmpPort}/live/cam?key=", key, StringComparison.Ordinal);
        using var client = new HttpClient();
        using var first = Publish(key);
        try
        {
            var multivariant = await Until(() => Get(client, Link(server, "/live/cam.m3u8")), static t => t.Length > 0, "the stream is there");
            Assert.Contains("RESOLUTION=320x180,FRAME-RATE=25.000", multivariant, StringComparison.Ordinal);
            Assert.Equal("", await Get(client, $"http://127.0.0.1:{server.Port}/live/cam.m3u8"));
            // Its children lie below the viewer's own session.
            var media = new Uri(new Uri(Link(server, "/live/cam.m3u8")), multivariant.TrimEnd().Split('\n')[^1]).ToString();
            Assert.Contains("/~s1.", media, StringComparison.Ordinal);
            var plays = await Task.WhenAll(Pictures(Link(server, "/live/cam.m3u8"), 3), Pictures(Link(server, "/live/cam.flv"), 3), Pictures(RtmpLink(server), 3), Dumped(server, folder));
            Assert.All(plays, static p => Assert.InRange(p, 70, 80));

            var before = await Get(client, media);
            Tool.Signal(first, Tool.SigKill);
            using var second = Publish(key);
            try
            {
                var after = await Until(() => Get(client, media), static t => t.Contains("#EXT-X-DISCONTINUITY\n", StringComparison.Ordinal), "the publisher is back");
                Assert.InRange(Number(after, "#EXT-X-MEDIA-SEQUENCE"), Number(before, "#EXT-X-MEDIA-SEQUENCE"), long.MaxValue);
                Assert.Equal(Number(before, "#EXT-X-TARGETDURATION"), Number(after, "#EXT-X-TARGETDURATION"));
                Assert.InRange(await Pictures(Link(server, "/live/cam.flv"), 1), 20, 30);
                Tool.Signal(second, Tool.SigTerm);
                await Until(() => Get(client, media), static t => t.EndsWith("#EXT-X-ENDLIST\n", StringComparison.Ordinal), "a clean end is told at once");
            }
            finally
            {
                await Tool.Stop(second, TimeSpan.FromSeconds(2));
            }
        }
        finally
        {
            await Tool.Stop(first, TimeSpan.FromSeconds(2));
        }
    }

    [Fact]
    public async Task In_a_browser_FLV_over_HTTP_and_as_a_WebSocket()
    {
        using var folder = new TempFolder();
        await using var server = await ServerProcess.Start(folder.Path, "--auth.enable=false");
        using var client = new HttpClient();
        using var encoder = Publish($"rtmp://127.0.0.1:{server.RtmpPort}/live/cam");
        try
        {
            await Until(() => Get(client, Link(server, "/live/cam.m3u8")), static t => t.Length > 0, "the stream is there");
            var url = Link(server, "/live/cam.flv");
            // The page says of the second what Playwright sees of the first.
            var report = await Browser.Play(url, seconds: 8, rate: 1, page: $$"""
                <video id=http muted playsinline></video><video id=ws muted playsinline></video><script src=mpegts.js></script><script>
                for (const [id, url] of [['http', '{{url}}'], ['ws', '{{url.Replace("http://", "ws://", StringComparison.Ordinal)}}']]) {
                  const player = mpegts.createPlayer({ type: 'flv', isLive: true, url });
                  player.on(mpegts.Events.ERROR, (...what) => console.error(id + ' failed ' + what.join(' ')));
                  player.attachMediaElement(document.getElementById(id));
                  player.load();
                  player.play();
                }
                setTimeout(() => console.error('ws ' + document.getElementById('ws').getVideoPlaybackQuality().totalVideoFrames), 7000);
                </script>
                """);
            Assert.InRange(report.DecodedFrames, 50, 300);
            var said = Assert.Single(report.ConsoleErrors);
            Assert.StartsWith("ws ", said, StringComparison.Ordinal);
            Assert.InRange(int.Parse(said[3..], CultureInfo.InvariantCulture), 50, 300);
        }
        finally
        {
            await Tool.Stop(encoder, TimeSpan.FromSeconds(2));
        }
    }

    [Fact]
    public async Task One_node_fetches_from_another_on_demand_and_one_forwards_to_another()
    {
        using var folder = new TempFolder();
        await using var edge = await ServerProcess.Start(folder.Path, "--auth.enable=false");
        await using var origin = await ServerProcess.Start(folder.Path, "--auth.enable=false", $"--live.forward=[{{stream: live/*, url: \"rtmp://127.0.0.1:{edge.RtmpPort}/live/{{stream}}-forwarded\"}}]");
        await using var other = await ServerProcess.Start(folder.Path, $"--live.pull=[{{stream: live/fetched, url: \"{Link(origin, "/live/cam.flv")}\", on_demand: true}}]");
        using var publisher = Publish($"rtmp://127.0.0.1:{origin.RtmpPort}/live/cam");
        using var client = new HttpClient();
        try
        {
            await Until(() => Get(client, Link(edge, "/live/cam-forwarded.m3u8", "/live/cam-forwarded")), static t => t.Length > 0, "it is forwarded");
            var plays = await Task.WhenAll(Pictures(Link(edge, "/live/cam-forwarded.flv", "/live/cam-forwarded"), 2), Pictures(Link(other, "/live/fetched.flv", "/live/fetched"), 2));
            Assert.All(plays, static p => Assert.InRange(p, 45, 55));
        }
        finally
        {
            await Tool.Stop(publisher, TimeSpan.FromSeconds(2));
        }
    }
}
