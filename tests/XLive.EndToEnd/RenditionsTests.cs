using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using XLive.EndToEnd.Harness;
using XLive.Media.Tests.Fmp4;

namespace XLive.EndToEnd;

/// <summary>Two qualities out of one ffmpeg: one event, in which a player goes from one to the other and nobody sees it.</summary>
[Collection(Undisturbed.Name)]
public sealed partial class RenditionsTests
{
    /// <param name="Step">The most that the time drawn into the picture went on from one picture to the next, in milliseconds.</param>
    /// <param name="Ranges">Pieces of time in the player's buffer: two are a hole.</param>
    private sealed record Seen(int Pictures, int Waiting, int Step, int Ranges, IReadOnlyList<int> Levels, IReadOnlyList<string> Errors)
    {
        public bool IsSmooth => Waiting == 0 && Ranges == 1 && Pictures > 100 && !Errors.Any(static e => e.Contains("fatal", StringComparison.Ordinal) || e.Contains("bufferStalled", StringComparison.Ordinal));
    }

    private static Process Publish(ServerProcess server)
    {
        const string Encode = "-map 0:v -map 1:a -c:v libx264 -preset ultrafast -tune zerolatency -g 30 -keyint_min 30 -sc_threshold 0 -c:a aac -b:a 96k -flush_packets 1 -shortest";
        var clock = Path.Combine(Repository.EndToEnd, "browser", "clock.py");
        var ffmpeg = "ffmpeg -hide_banner -loglevel error -f rawvideo -pix_fmt yuv420p -s 320x180 -r 30 -i - -f lavfi -i sine=f=440:r=48000 "
            + $"{Encode} -b:v 300k -f flv rtmp://127.0.0.1:{server.RtmpPort}/live/cam_180 {Encode} -s 640x360 -b:v 700k -f flv rtmp://127.0.0.1:{server.RtmpPort}/live/cam_360";
        return Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"python3 '{clock}' 30 180 | exec {ffmpeg}"]) { RedirectStandardInput = true })!;
    }

    private static async Task<byte[]> Bytes(ServerProcess server, string target) => await server.Http.GetByteArrayAsync(target, TestContext.Current.CancellationToken);

    private static async Task<string[]> Variants(ServerProcess server)
    {
        using var answer = await server.Http.GetAsync(ServerProcess.Sign("/live/cam.m3u8", scope: "/live/cam").InQuery, TestContext.Current.CancellationToken);
        return answer.IsSuccessStatusCode ? [.. Video().Matches(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Select(static m => m.Value)] : [];
    }

    private static long FirstDecodeTime(byte[] segment) => BinaryPrimitives.ReadInt64BigEndian(segment.AsSpan(segment.AsSpan().IndexOf("tfdt"u8) + 8));

    [Fact]
    public async Task Two_qualities_of_one_encoder_are_cut_alike_and_a_player_goes_from_one_to_the_other()
    {
        using var folder = new TempFolder();
        await using var server = await ServerProcess.Start(folder.Path, "--auth.enable=false", "--live.segment_seconds=1", "--live.part_ms=200");
        using var publisher = Publish(server);
        try
        {
            string[] variants;
            for (var clock = Stopwatch.StartNew(); (variants = await Variants(server)).Length < 2; await Task.Delay(200, TestContext.Current.CancellationToken))
                Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"{variants.Length} variants");
            var texts = new List<(string Folder, RenditionText Text)>();
            for (var clock = Stopwatch.StartNew(); texts.Count < 2 || texts.Any(static t => t.Text.Segments.Count < 5); await Task.Delay(200, TestContext.Current.CancellationToken))
            {
                Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), "no five segments");
                texts.Clear();
                foreach (var variant in variants)
                    texts.Add((variant[..(variant.LastIndexOf('/') + 1)], new RenditionText(await Bytes(server, variant))));
            }
            var (one, two) = (texts[0], texts[1]);
            Assert.Equal((one.Text.Target, one.Text.PartTarget), (two.Text.Target, two.Text.PartTarget));
            var compared = 0;
            foreach (var segment in one.Text.Segments)
            {
                if (two.Text.Segments.FirstOrDefault(s => s.Uri == segment.Uri) is not { } same)
                    continue;
                Assert.Equal(segment.Date, same.Date);
                Assert.Equal(FirstDecodeTime(await Bytes(server, one.Folder + segment.Uri)), FirstDecodeTime(await Bytes(server, two.Folder + same.Uri)));
                compared++;
            }
            Assert.InRange(compared, 4, int.MaxValue);
            foreach (var variant in variants)
            {
                var probed = (await Tool.Run("ffprobe", ["-v", "error", "-show_entries", "stream=codec_name,height", "-read_intervals", "%+1", "-of", "csv=p=0", server.Url(variant)], TimeSpan.FromSeconds(30))).MustSucceed();
                Assert.Matches("^(h264,(180|360)\\s*)+$", probed.Output);
                Assert.Empty(probed.Errors);
            }

            // What else the machine does only ever makes it stumble.
            var url = server.Url(ServerProcess.Sign("/live/cam.m3u8", scope: "/live/cam").InQuery);
            var seen = await Watch(url);
            for (var looks = 1; !seen.IsSmooth && looks < 4; looks++)
                seen = await Watch(url);
            Assert.True(seen.IsSmooth, $"{seen} {string.Join(", ", seen.Errors)}");
            Assert.True(seen.Levels.Count(static l => l == 180) >= 2 && seen.Levels.Count(static l => l == 360) >= 2, string.Join(' ', seen.Levels));
            // Pictures that the browser had no time to show are steps too; a segment too much or too little is one of a second.
            Assert.InRange(seen.Step, 1, 900);
        }
        finally
        {
            await Tool.Stop(publisher, TimeSpan.FromSeconds(2));
        }
    }

    private static async Task<Seen> Watch(string url)
    {
        var options = JsonSerializer.Serialize(new { url, player = "hls.js", seconds = 22, switchEvery = 4 }, JsonSerializerOptions.Web);
        var result = (await Tool.Run("node", ["glass.mjs", options], TimeSpan.FromSeconds(70), Path.Combine(Repository.EndToEnd, "browser"))).MustSucceed();
        TestContext.Current.TestOutputHelper?.WriteLine(result.Output);
        return JsonSerializer.Deserialize<Seen>(result.Output, JsonSerializerOptions.Web)!;
    }

    [GeneratedRegex("^/~s1.*/video\\.m3u8", RegexOptions.Multiline)]
    private static partial Regex Video();
}
