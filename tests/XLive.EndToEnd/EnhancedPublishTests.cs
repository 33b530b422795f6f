using System.Diagnostics;
using System.Globalization;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>
/// FFmpeg 8.1 publishes what is not H.264 and AAC, by enhanced RTMP. The same FFmpeg reads it as HTTP-FLV and over RTMP, and Debian's ffprobe as HLS in MPEG-TS, where
/// that has a place for it.
/// </summary>
public sealed class EnhancedPublishTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly string Publisher = Path.Combine(Repository.EndToEnd, "publisher");

    private static readonly string[] Picture = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=8"];
    private static readonly string[] Sound = ["-f", "lavfi", "-i", "sine=r=48000:d=8"];
    private static readonly string[] Hevc = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=25:bframes=2"];
    private static readonly string[] Av1 = ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-g", "25"];
    private static readonly string[] Vp9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "25"];
    private static readonly string[] H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25"];

    [Fact]
    public async Task What_FFmpeg_8_publishes_players_are_sent()
    {
        using var folder = new TempFolder();
        await Task.WhenAll(
            Make(folder, "hevc.mp4", [.. Picture, .. Sound, .. Hevc, "-c:a", "aac"]),
            Make(folder, "av1.mp4", [.. Picture, .. Sound, .. Av1, "-c:a", "libopus"]),
            Make(folder, "vp9.mp4", [.. Picture, .. Sound, .. Vp9, "-c:a", "libopus"]),
            Make(folder, "ac3.mp4", [.. Picture, .. Sound, .. H264, "-c:a", "ac3"]),
            Make(folder, "flac.mp4", [.. Picture, .. Sound, .. H264, "-c:a", "flac", "-strict", "-2"]));
        await Make(folder, "tracks.mp4", ["-i", folder["ac3.mp4"], "-i", folder["hevc.mp4"], "-map", "0:v", "-map", "1:v", "-map", "1:a", "-map", "0:a", "-c", "copy"]);
        await using var server = await ServerProcess.Start(folder.Path, "--auth.enable=false", "--access.enable=false", "--live.segment_seconds=1", "--live.container=both");

        await Task.WhenAll(
            Watched("hevc", "hevc 160x90", "aac 48000/1", "hevc,aac", transport: "hevc,aac"),
            Watched("av1", "av1 160x90", "opus 48000/1", "av1,opus", transport: null),
            Watched("vp9", "vp9 160x90", "opus 48000/1", "vp9,opus", transport: null),
            Watched("ac3", "h264 160x90", "ac3 48000/1", "h264,ac3", transport: "h264,ac3"),
            Watched("flac", "h264 160x90", "flac 48000/1", "h264,flac", transport: "h264"),
            Watched("tracks", "h264 160x90", "aac 48000/1", "h264,aac", transport: "h264,aac"),
            Played(["hevc 160x90", "aac 48000/1"], $"rtmp://127.0.0.1:{server.RtmpPort}/live/hevc", "60", "hvc1"));
        // Of what was not carried, the second sound and a picture of ninety lines, for which there is no name, it said so once.
        Assert.Equal(2, server.Output.Split("live/tracks: not all of what is published is carried").Length - 1);

        async Task Watched(string name, string video, string audio, string hls, string? transport)
        {
            var publishing = Tool.Run("node", ["publish.mjs", folder[name + ".mp4"], $"rtmp://127.0.0.1:{server.RtmpPort}/live/{name}"], Limit, Publisher);
            await Played([video, audio], server.Url($"/live/{name}.flv"), "60");
            (await publishing).MustSucceed();
            await Listed(hls, $"/live/{name}.m3u8");
            if (transport is not null)
                await Listed(transport, $"/live/{name}.m3u8?container=ts");
        }

        async Task Listed(string codecs, string path)
        {
            var seen = (await Tool.Run("ffprobe", ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", server.Url(path)], Limit)).MustSucceed();
            Assert.Equal(codecs.Split(',').Order(), seen.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.TrimEnd(',')).Distinct().Order());
        }
    }

    private static async Task Make(TempFolder folder, string name, string[] recipe) =>
        (await Tool.Run("ffmpeg", ["-v", "error", "-nostdin", "-y", .. recipe, folder[name]], Limit)).MustSucceed();

    /// <summary>Both tracks, and several packets of each. Until the stream is there it is asked for again.</summary>
    private static async Task Played(string[] tracks, params string[] arguments)
    {
        var lines = (await Play(arguments)).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(tracks.Order(), lines.Select(static line => line[..line.LastIndexOf(' ')]).Order());
        Assert.All(lines, static line => Assert.True(int.Parse(line[line.LastIndexOf(' ')..], CultureInfo.InvariantCulture) > 5, line));
    }

    private static async Task<ToolResult> Play(string[] arguments)
    {
        var patience = Stopwatch.StartNew();
        while (true)
        {
            var played = await Tool.Run("node", ["play.mjs", .. arguments], Limit, Publisher);
            if (played.ExitCode == 0 || patience.Elapsed > Limit)
                return played.MustSucceed();
        }
    }
}
