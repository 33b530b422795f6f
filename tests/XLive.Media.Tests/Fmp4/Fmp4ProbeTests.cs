using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using XLive.Media.Codecs;
using static XLive.Media.Tests.SyntheticStream;

namespace XLive.Media.Tests.Fmp4;

/// <summary>ffprobe reads both packagings of the same frames, and finds the same packets in them.</summary>
public class Fmp4ProbeTests
{
    private sealed record Packet(long Shown, long Decoded, long Duration, int Size, bool IsKey);

    [Theory]
    [InlineData(25, 0)]
    [InlineData(30_000 / 1001.0, 2)]
    [InlineData(60, 3)]
    public async Task Ffprobe_finds_in_both_the_same_pictures(double fps, int bFrames)
    {
        using var rig = new CmafRig();
        var frames = new SyntheticStream { Random = new Random(3), Fps = fps, BFrames = bFrames, Audio = OtherAac, Seconds = 8.5 }.Frames();
        rig.Write(frames).Break();
        Assert.Empty(rig.Faults);
        var transport = await Probe(rig.Transport.SelectMany(s => s.Buffer.Bytes.ToArray()), "v");
        var video = await Probe(Whole(rig, TrackKind.Video), "v");
        var pictures = frames.Where(f => f.Track.IsVideo).ToList();
        Assert.Equal((pictures.Count, pictures.Count), (transport.Count, video.Count));
        for (var i = 0; i < video.Count; i++)
        {
            Assert.Equal((transport[i].Shown, transport[i].Decoded, transport[i].IsKey), (video[i].Shown, video[i].Decoded, video[i].IsKey));
            // The transport stream tells none; it is what lies between.
            if (i > 0)
                Assert.Equal(video[i].Decoded - video[i - 1].Decoded, video[i - 1].Duration);
            var units = ByteStream(pictures[i]).Length - 6 - (pictures[i].IsKey ? AvcConfiguration.ParameterSetsLength(Video.Configuration.Span) : 0);
            Assert.Equal(units, video[i].Size);
            Assert.Equal(units + 6, transport[i].Size - (pictures[i].IsKey ? AvcConfiguration.ParameterSetsLength(Video.Configuration.Span) : 0));
        }
    }

    [Theory]
    [InlineData("1210", 44_100, 1024)]
    [InlineData("1190", 48_000, 1024)]
    // SBR, told hierarchically: 48 kHz are heard of frames of 24
    [InlineData("2b118800", 48_000, 2048)]
    public async Task Ffprobe_finds_in_both_the_same_sound(string configuration, int timeScale, int duration)
    {
        Assert.True(AacConfiguration.TryRead(Convert.FromHexString(configuration), out var track, out var fault), fault);
        using var rig = new CmafRig();
        var frames = new List<Frame>();
        for (var i = 0; i * (double)duration / timeScale < 8.5; i++)
            frames.Add(new Frame(track!, Timestamp.FromMilliseconds((long)(i * 1000.0 * duration / timeScale)), 0, FrameFlags.Key, new byte[20 + (i % 7)]));
        rig.Write(frames).Break();
        Assert.Empty(rig.Faults);
        var transport = await Probe(rig.Transport.SelectMany(s => s.Buffer.Bytes.ToArray()), "a");
        var audio = await Probe(Whole(rig, TrackKind.Audio), "a");
        Assert.Equal((frames.Count, frames.Count), (transport.Count, audio.Count));
        for (var i = 0; i < audio.Count; i++)
        {
            Assert.Equal(((10L * timeScale) + (i * duration), audio[i].Shown, (long)duration), (audio[i].Decoded, audio[i].Decoded, audio[i].Duration));
            // ADTS in PES packets: a time a packet, rounded to 90 kHz, and 7 bytes before each frame.
            Assert.InRange((transport[i].Decoded / 90_000.0) - (audio[i].Decoded / (double)timeScale), -0.0002, 0.0002);
            Assert.Equal((transport[i].Size - 7, true), (audio[i].Size, audio[i].IsKey));
        }
    }

    [Fact]
    public async Task Ffprobe_reads_the_header()
    {
        using var rig = new CmafRig();
        rig.Write(new SyntheticStream { Random = new Random(3), Seconds = 5 }.Frames());
        var video = (await Show(Whole(rig, TrackKind.Video), "-show_streams")).GetProperty("streams")[0];
        Assert.Equal(("h264", "avc1", 1280, 720, "1/90000"), (Text(video, "codec_name"), Text(video, "codec_tag_string"), video.GetProperty("width").GetInt32(), video.GetProperty("height").GetInt32(), Text(video, "time_base")));
        var audio = (await Show(Whole(rig, TrackKind.Audio), "-show_streams")).GetProperty("streams")[0];
        Assert.Equal(("aac", "mp4a", "48000", 2, "1/48000"), (Text(audio, "codec_name"), Text(audio, "codec_tag_string"), Text(audio, "sample_rate"), audio.GetProperty("channels").GetInt32(), Text(audio, "time_base")));
    }

    /// <summary>Initialization and segments one behind the other, as a player has them in memory.</summary>
    private static IEnumerable<byte> Whole(CmafRig rig, TrackKind kind)
    {
        var segments = rig.Of(kind);
        return segments[0].Initialization.Bytes.ToArray().Concat(segments.SelectMany(s => s.Buffer!.Bytes.ToArray()));
    }

    private static async Task<List<Packet>> Probe(IEnumerable<byte> media, string kind)
    {
        var root = await Show(media, "-show_packets", "-select_streams", kind);
        return [.. root.GetProperty("packets").EnumerateArray().Select(p => new Packet(p.GetProperty("pts").GetInt64(), p.GetProperty("dts").GetInt64(),
            p.TryGetProperty("duration", out var duration) ? duration.GetInt64() : 0, int.Parse(Text(p, "size"), CultureInfo.InvariantCulture), Text(p, "flags")[0] == 'K'))];
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static async Task<JsonElement> Show(IEnumerable<byte> media, params string[] what)
    {
        var file = Path.Combine(Path.GetTempPath(), "xlive-probe-" + Guid.NewGuid().ToString("N"));
        try
        {
            await File.WriteAllBytesAsync(file, [.. media]);
            using var process = Process.Start(new ProcessStartInfo("ffprobe", ["-v", "fatal", "-of", "json", .. what, file]) { RedirectStandardOutput = true })!;
            var text = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.Equal(0, process.ExitCode);
            return JsonDocument.Parse(text).RootElement;
        }
        finally
        {
            File.Delete(file);
        }
    }
}
