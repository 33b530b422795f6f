using System.Diagnostics;
using System.Globalization;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>Encoders that people use push a stream, and a player that knows nothing of them is asked what it sees.</summary>
public sealed class PublishTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task FFmpeg_and_GStreamer_publish_and_ffprobe_sees_what_they_sent()
    {
        using var folder = new TempFolder();
        var film = folder["film.flv"];
        (await Tool.Run("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x90:rate=15", "-f", "lavfi", "-i", "sine=sample_rate=44100", "-t", "6",
            "-c:v", "libx264", "-preset", "ultrafast", "-g", "15", "-c:a", "aac", film], Limit)).MustSucceed();
        await using var server = await ServerProcess.Start(folder.Path, "--auth.enable=false", "--access.enable=false");
        string Url(string name) => $"rtmp://127.0.0.1:{server.RtmpPort}/live/{name}";
        string[] Pipeline(string sink) => ["-q", "filesrc", $"location={film}", "!", "flvdemux", "name=d", "d.video", "!", "h264parse", "!", "queue", "!", "flvmux", "name=m",
            "streamable=true", "!", .. sink.Split(' '), "sync=true", "d.audio", "!", "queue", "!", "aacparse", "!", "m."];

        await Task.WhenAll(
            Watched("ffmpeg", "ffmpeg", ["-v", "error", "-re", "-i", film, "-c", "copy", "-f", "flv", Url("ffmpeg")]),
            Watched("rtmp2sink", "gst-launch-1.0", Pipeline($"rtmp2sink location={Url("rtmp2sink")}")),
            Watched("librtmp", "gst-launch-1.0", Pipeline($"rtmpsink location={Url("librtmp")}")));

        async Task Watched(string name, string program, string[] arguments)
        {
            var publishing = Tool.Run(program, arguments, Limit);
            var seen = await Probe(server.Url($"/live/{name}.flv"), "stream=codec_name,width,height,sample_rate");
            Assert.Contains("h264,160,90", seen.Output, StringComparison.Ordinal);
            Assert.Contains("aac,44100", seen.Output, StringComparison.Ordinal);
            (await publishing).MustSucceed();
        }
    }

    [Fact]
    public async Task FFmpeg_8_publishes_both_tracks_or_one_and_what_players_get_is_what_it_read()
    {
        using var folder = new TempFolder();
        var film = folder["both.flv"];
        (await Tool.Run("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x90:rate=25", "-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", "3",
            "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25", "-c:a", "aac", film], Limit)).MustSucceed();
        (await Tool.Run("ffmpeg", ["-v", "error", "-i", film, "-c", "copy", "-an", folder["video.flv"], "-c", "copy", "-vn", folder["audio.flv"]], Limit)).MustSucceed();
        await using var server = await ServerProcess.Start(folder.Path, "--auth.enable=false", "--access.enable=false", "--live.segment_seconds=1");
        await Task.WhenAll(Watched("both"), Watched("video"), Watched("audio"));

        async Task Watched(string name)
        {
            var published = await Packets(folder[name + ".flv"]);
            var publishing = Tool.Run("node", ["publish.mjs", folder[name + ".flv"], $"rtmp://127.0.0.1:{server.RtmpPort}/live/{name}"], Limit, Path.Combine(Repository.EndToEnd, "publisher"));
            // From the keyframe before he came to the end.
            var flv = await Packets(server.Url($"/live/{name}.flv"));
            Assert.StartsWith("8.", (await publishing).MustSucceed().Output, StringComparison.Ordinal);
            var hls = await Packets(server.Url($"/live/{name}.m3u8"));
            Assert.Equal(published.Keys.Order(), flv.Keys.Order());
            Assert.Equal(published.Keys.Order(), hls.Keys.Order());
            foreach (var (track, times) in published)
            {
                // Sound that came before the first picture is in no segment.
                Assert.InRange(hls[track].Count, times.Count - 2, times.Count);
                Assert.InRange(flv[track].Count, times.Count / 4, times.Count);
                Assert.All(flv[track].Zip(flv[track].Skip(1)), static p => Assert.InRange(p.Second - p.First, 0.001, 0.060));
                // By HLS, and not of the same segment by itself, ffprobe 5.1 gives the second sound of the first PES packet the time of the first.
                Assert.All(hls[track].Zip(hls[track].Skip(1)), static p => Assert.InRange(p.Second - p.First, 0, 0.060));
            }
        }

        // When each is to be decoded, by codec; ffprobe has nothing to warn of.
        static async Task<Dictionary<string, List<double>>> Packets(string url)
        {
            var seen = await Probe(url, "stream=index,codec_name:packet=stream_index,dts_time");
            Assert.Equal("", seen.Errors);
            var rows = seen.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split(',')).ToLookup(static row => row[0]);
            var codecs = rows["stream"].DistinctBy(static row => row[1]).ToDictionary(static row => row[1], static row => row[2]);
            return rows["packet"].GroupBy(row => codecs[row[1]]).ToDictionary(static g => g.Key, static g => g.Select(static row => double.Parse(row[2], CultureInfo.InvariantCulture)).ToList());
        }
    }

    private static async Task<ToolResult> Probe(string url, string entries)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var seen = await Tool.Run("ffprobe", ["-v", "warning", "-show_entries", entries, "-of", entries.Contains("packet", StringComparison.Ordinal) ? "csv" : "csv=p=0", url], Limit);
            // Until it is there, 404.
            if (seen.ExitCode == 0 || clock.Elapsed > Limit)
                return seen.MustSucceed();
        }
    }
}
