using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>From where a picture is drawn to where it is seen: each carries its own time, which the page reads off it. The whole of it is ./bench latency.</summary>
[Collection(Undisturbed.Name)]
public sealed class LatencyTests
{
    private sealed record Seen(int Pictures, double Seconds, int Unreadable, int Waiting, int P5, int P50, int P95, int Slope, double Target, IReadOnlyList<string> Errors, Dictionary<string, int> Protocols)
    {
        public bool IsWhole => Pictures > 0.8 * 30 * Seconds;
    }

    /// <summary>30 pictures a second, a key every second.</summary>
    private static Process Publish(ServerProcess server)
    {
        var clock = Path.Combine(Repository.EndToEnd, "browser", "clock.py");
        var encode = $"ffmpeg -hide_banner -loglevel error -f rawvideo -pix_fmt yuv420p -s 320x180 -r 30 -i - -f lavfi -i sine=f=440:r=48000 -c:v libx264 -preset ultrafast -tune zerolatency -g 30 -b:v 600k "
            + $"-c:a aac -b:a 96k -flush_packets 1 -shortest -f flv rtmp://127.0.0.1:{server.RtmpPort}/live/cam";
        return Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"python3 '{clock}' 30 120 | exec {encode}"]) { RedirectStandardInput = true })!;
    }

    private static async Task<Seen> Watch(string url, string player, int seconds)
    {
        var options = JsonSerializer.Serialize(new { url, player, seconds }, JsonSerializerOptions.Web);
        var result = (await Tool.Run("node", ["glass.mjs", options], TimeSpan.FromSeconds(seconds + 40), Path.Combine(Repository.EndToEnd, "browser"))).MustSucceed();
        TestContext.Current.TestOutputHelper?.WriteLine(result.Output);
        return JsonSerializer.Deserialize<Seen>(result.Output, JsonSerializerOptions.Web)!;
    }

    // 320x180 with a tenth of what a machine at rest has to spare: twice the bars of ./bench latency.
    [Theory]
    [InlineData("hls.js", ".m3u8", 2200)]
    [InlineData("mpegts.js", ".flv", 800)]
    public async Task A_picture_is_seen_soon_after_it_was_drawn(string player, string form, int most)
    {
        using var folder = new TempFolder();
        await using var server = await ServerProcess.Start(folder.Path, "--auth.enable=false", "--live.segment_seconds=1", "--live.part_ms=200");
        using var publisher = Publish(server);
        try
        {
            var url = server.Url(ServerProcess.Sign("/live/cam" + form, scope: "/live/cam").InQuery);
            for (var clock = Stopwatch.StartNew(); ; await Task.Delay(100, TestContext.Current.CancellationToken))
            {
                using var there = await server.Http.GetAsync(ServerProcess.Sign("/live/cam.m3u8", scope: "/live/cam").InQuery, TestContext.Current.CancellationToken);
                if (there.IsSuccessStatusCode)
                    break;
                Assert.True(clock.Elapsed < TimeSpan.FromSeconds(15), "no stream");
            }
            // What else the machine does only ever adds to it, and takes pictures away.
            var seen = await Watch(url, player, seconds: 12);
            for (var looks = 1; (seen.P50 > most || !seen.IsWhole) && looks < 4; looks++)
                seen = await Watch(url, player, seconds: 12);
            Assert.DoesNotContain(seen.Errors, static e => e.Contains("fatal", StringComparison.Ordinal));
            Assert.InRange(seen.P50, 1, most);
            Assert.InRange(seen.Unreadable, 0, seen.Pictures / 10);
            // A frozen picture with a clock that runs shows nowhere else.
            Assert.True(seen.IsWhole, $"{seen.Pictures} pictures in {seen.Seconds.ToString(CultureInfo.InvariantCulture)} s");
        }
        finally
        {
            await Tool.Stop(publisher, TimeSpan.FromSeconds(2));
        }
    }
}
