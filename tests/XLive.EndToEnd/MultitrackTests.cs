using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.RegularExpressions;
using XLive.EndToEnd.Harness;
using XLive.Media.Tests.Fmp4;

namespace XLive.EndToEnd;

/// <summary>FFmpeg 8.1 publishes two pictures and a sound over one connection (multitrack of Enhanced RTMP v2): one event of two renditions.</summary>
public sealed partial class MultitrackTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Two_pictures_of_one_publisher_are_two_renditions_cut_alike()
    {
        using var folder = new TempFolder();
        (await Tool.Run("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=20", "-f", "lavfi", "-i", "sine=r=48000:d=20", "-filter_complex", "[0]split[a][b];[b]scale=320x180[c]",
            "-map", "[a]", "-map", "[c]", "-map", "1:a", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-keyint_min", "25", "-sc_threshold", "0", "-c:a", "aac",
            folder["film.mp4"]], Limit)).MustSucceed();
        await using var server = await ServerProcess.Start(folder.Path, "--auth.enable=false", "--access.enable=false", "--live.segment_seconds=1", "--live.part_ms=200");
        var publisher = Path.Combine(Repository.EndToEnd, "publisher");
        var publishing = Tool.Run("node", ["publish.mjs", folder["film.mp4"], $"rtmp://127.0.0.1:{server.RtmpPort}/live/cam"], Limit, publisher);

        var texts = new List<(string Folder, RenditionText Text)>();
        for (var clock = Stopwatch.StartNew(); texts.Count < 2 || texts.Any(static t => t.Text.Segments.Count < 5); await Task.Delay(200, TestContext.Current.CancellationToken))
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(40), $"{texts.Count} variants\n{server.Output}");
            texts.Clear();
            using var answer = await server.Http.GetAsync("/live/cam.m3u8", TestContext.Current.CancellationToken);
            if (!answer.IsSuccessStatusCode)
                continue;
            foreach (Match match in Video().Matches(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)))
            {
                var variant = new Uri(new Uri(server.Url("/live/cam.m3u8")), match.Value).AbsolutePath;
                texts.Add((variant[..(variant.LastIndexOf('/') + 1)], new RenditionText(await Bytes(server, variant))));
            }
        }
        var seen = await Tool.Run("node", ["play.mjs", server.Url("/live/cam_180.flv"), "60"], Limit, publisher);
        Assert.Equal(["h264 320x180", "aac 48000/1"], seen.MustSucceed().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line[..line.LastIndexOf(' ')]));

        var (one, two) = (texts[0], texts[1]);
        Assert.Equal((one.Text.Target, one.Text.PartTarget), (two.Text.Target, two.Text.PartTarget));
        var compared = 0;
        foreach (var segment in one.Text.Segments)
        {
            if (two.Text.Segments.FirstOrDefault(s => s.Uri == segment.Uri) is not { } same)
                continue;
            Assert.Equal((segment.Date, segment.Duration), (same.Date, same.Duration));
            Assert.Equal(FirstDecodeTime(await Bytes(server, one.Folder + segment.Uri)), FirstDecodeTime(await Bytes(server, two.Folder + same.Uri)));
            compared++;
        }
        Assert.InRange(compared, 4, int.MaxValue);
        var lines = new List<string>();
        foreach (var (place, _) in texts)
        {
            var probed = (await Tool.Run("ffprobe", ["-v", "error", "-show_entries", "stream=codec_name,height", "-read_intervals", "%+1", "-of", "csv=p=0", server.Url(place + "video.m3u8")], Limit)).MustSucceed();
            Assert.Empty(probed.Errors);
            lines.AddRange(probed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct());
        }
        Assert.Equal(["h264,180", "h264,360"], lines.Order());

        // With the publisher both end.
        (await publishing).MustSucceed();
        for (var clock = Stopwatch.StartNew(); texts.Any(static t => !t.Text.HasEnded); await Task.Delay(100, TestContext.Current.CancellationToken))
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"not ended\n{server.Output}");
            for (var i = 0; i < texts.Count; i++)
                texts[i] = (texts[i].Folder, new RenditionText(await Bytes(server, texts[i].Folder + "video.m3u8")));
        }
        Assert.DoesNotContain("not all of what is published", server.Output, StringComparison.Ordinal);
    }

    private static async Task<byte[]> Bytes(ServerProcess server, string target) => await server.Http.GetByteArrayAsync(target, TestContext.Current.CancellationToken);

    private static long FirstDecodeTime(byte[] segment) => BinaryPrimitives.ReadInt64BigEndian(segment.AsSpan(segment.AsSpan().IndexOf("tfdt"u8) + 8));

    [GeneratedRegex("^[^#\\n]*video\\.m3u8", RegexOptions.Multiline)]
    private static partial Regex Video();
}
