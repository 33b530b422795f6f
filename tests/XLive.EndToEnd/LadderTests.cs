using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using XLive.EndToEnd.Harness;
using XLive.Media.Tests.Fmp4;

namespace XLive.EndToEnd;

/// <summary>Smaller renditions by the ffmpeg of live.ladder.</summary>
[Collection(Undisturbed.Name)]
public sealed partial class LadderTests
{
    [Fact]
    public async Task A_smaller_rendition_with_the_keyframes_of_its_source_as_long_as_that_lasts()
    {
        using var folder = new TempFolder();
        await using var server = await ServerProcess.Start(folder.Path, "--auth.enable=false", "--live.segment_seconds=1", "--live.reconnect_grace=5s", "--live.ladder=[{name: 180p, height: 180, video_bitrate: 200}]");
        Process Publish() => Process.Start(new ProcessStartInfo("ffmpeg", ["-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25", "-f", "lavfi", "-i", "sine=f=440:r=44100",
            "-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-b:v", "500k", "-c:a", "aac", "-f", "flv", $"rtmp://127.0.0.1:{server.RtmpPort}/live/cam"]) { RedirectStandardInput = true })!;
        var publisher = Publish();
        try
        {
            await UntilAsync(async () => await StatusAsync(server, "cam_180p") == HttpStatusCode.OK, "the smaller rendition");
            var (larger, smaller) = await Both(KeysAsync(server, "cam"), KeysAsync(server, "cam_180p"));
            Assert.Equal((360, 180), (larger.Height, smaller.Height));
            // 30 pictures apart in both, and the same sound beside it.
            Assert.All((List<double>[])[larger.Keys, smaller.Keys], static keys => Assert.All(keys.Zip(keys.Skip(1)), static pair => Assert.Equal(1.2, pair.Second - pair.First, 0.02)));
            Assert.InRange(smaller.Keys.Count, 2, 8);

            await AreAlikeAsync(server, least: 4, "from the beginning");

            var encoder = ChildrenOf(server).Single();
            Tool.Signal(Process.GetProcessById(encoder), Tool.SigKill);
            await UntilAsync(() => Task.FromResult(ChildrenOf(server) is [var other] && other != encoder), "another encoder");
            Assert.InRange((await KeysAsync(server, "cam_180p")).Keys.Count, 2, 8);
            await AreAlikeAsync(server, least: 4, "with another encoder");

            Tool.Signal(publisher, Tool.SigKill);
            await publisher.WaitForExitAsync(TestContext.Current.CancellationToken);
            publisher.Dispose();
            publisher = Publish();
            await AreAlikeAsync(server, least: 4, "when the publisher came back", discontinuities: 1);

            Assert.True(await Tool.Stop(publisher, TimeSpan.FromSeconds(5)));
            await UntilAsync(() => Task.FromResult(ChildrenOf(server).Count == 0), "the encoder's end");
            // At once, and not when it might have come back: who encodes it says that it is over.
            Assert.Contains("live/cam_180p", server.Output, StringComparison.Ordinal);
        }
        finally
        {
            await Tool.Stop(publisher, TimeSpan.FromSeconds(2));
            publisher.Dispose();
        }
        Assert.Equal(0, await server.Stop());
    }

    private static async Task<HttpStatusCode> StatusAsync(ServerProcess server, string stream)
    {
        using var answer = await server.Http.GetAsync(ServerProcess.Sign($"/live/{stream}.m3u8", scope: $"/live/{stream}").InQuery, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    /// <summary>The newest segments of both are of the same pictures: the same date and the same decode time.</summary>
    private static async Task AreAlikeAsync(ServerProcess server, int least, string when, int discontinuities = 0)
    {
        var link = ServerProcess.Sign("/live/cam.m3u8", scope: "/live/cam").InQuery;
        var seen = "";
        await UntilAsync(async () =>
        {
            var entry = await server.Http.GetStringAsync(link, TestContext.Current.CancellationToken);
            var variants = Video().Matches(entry).Select(static m => m.Value).ToArray();
            if (variants.Length != 2)
                return false;
            var (one, two) = (await TextAsync(server, variants[0]), await TextAsync(server, variants[1]));
            var alike = 0;
            seen = "";
            // Back to the last break: what was before it another encoder had made.
            for (var i = one.Segments.Count - 1; i >= 0; i--)
            {
                var mine = one.Segments[i];
                seen += $"{mine.Uri} {mine.Date:ss.fff} beside {string.Join(' ', two.Segments.Select(static s => $"{s.Uri} {s.Date:ss.fff}"))}; ";
                if (two.Segments.FirstOrDefault(s => s.Date == mine.Date) is not { } same)
                {
                    // It came a moment later, or has gone a moment before.
                    if (mine.Date > two.Segments[^1].Date || mine.Date < two.Segments[0].Date)
                        continue;
                    return false;
                }
                if (await DecodedAsync(server, variants[0], mine.Uri) != await DecodedAsync(server, variants[1], same.Uri))
                    return false;
                alike++;
                if (same.IsDiscontinuity || mine.IsDiscontinuity)
                    break;
            }
            return alike >= least && one.Segments.Count(static s => s.IsDiscontinuity) >= discontinuities;
        }, $"{when}, alike", () => seen);
    }

    private static async Task<RenditionText> TextAsync(ServerProcess server, string target) => new(await server.Http.GetByteArrayAsync(target, TestContext.Current.CancellationToken));

    private static async Task<long> DecodedAsync(ServerProcess server, string playlist, string segment)
    {
        var bytes = await server.Http.GetByteArrayAsync(playlist[..(playlist.LastIndexOf('/') + 1)] + segment, TestContext.Current.CancellationToken);
        return BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(bytes.AsSpan().IndexOf("tfdt"u8) + 8));
    }

    [GeneratedRegex("^/~s1.*/video\\.m3u8", RegexOptions.Multiline)]
    private static partial Regex Video();

    private static async Task<(T, T)> Both<T>(Task<T> first, Task<T> second) => (await first, await second);

    /// <summary>The times of keyframes in four seconds of it.</summary>
    private static async Task<(int Height, List<double> Keys)> KeysAsync(ServerProcess server, string stream)
    {
        var url = server.Url(ServerProcess.Sign($"/live/{stream}.flv", scope: $"/live/{stream}").InQuery);
        var said = (await Tool.Run("ffprobe", ["-v", "error", "-select_streams", "v", "-read_intervals", "%+4", "-show_entries", "stream=height:packet=pts_time,flags", "-of", "csv", url], TimeSpan.FromSeconds(30))).MustSucceed().Output;
        var (height, keys) = (0, new List<double>());
        foreach (var line in said.Split('\n'))
        {
            var fields = line.TrimEnd().Split(',');
            if (fields[0] == "stream")
                height = int.Parse(fields[1], CultureInfo.InvariantCulture);
            else if (fields[0] == "packet" && fields[2].StartsWith('K'))
                keys.Add(double.Parse(fields[1], CultureInfo.InvariantCulture));
        }
        return (height, keys);
    }

    private static List<int> ChildrenOf(ServerProcess server)
    {
        var found = new List<int>();
        foreach (var folder in Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var id))
                continue;
            try
            {
                var stat = File.ReadAllText(folder + "/stat");
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                if (fields[0] != "Z" && int.Parse(fields[1], CultureInfo.InvariantCulture) == server.Process.Id)
                    found.Add(id);
            }
            catch (IOException)
            {
                // It has ended.
            }
        }
        return found;
    }

    private static async Task UntilAsync(Func<Task<bool>> holds, string what, Func<string>? seen = null)
    {
        for (var clock = Stopwatch.StartNew(); !await holds(); await Task.Delay(100, TestContext.Current.CancellationToken))
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"did not come to pass: {what} {seen?.Invoke()}");
    }
}
