using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using XLive.Media.Codecs;
using XLive.Media.Flv;
using static XLive.Media.Tests.SyntheticStream;

namespace XLive.Media.Tests.Fmp4;

/// <summary>
/// ffprobe reads both packagings of the same frames, and finds the same packets in them. Durations it makes up from the frame rate where there are
/// composition offsets (FFmpeg 5.1): they are the differences of what it reads, which <see cref="CmafChecker"/> holds them to.
/// </summary>
public class Fmp4ProbeTests
{
    private sealed record Packet(long Shown, long Decoded, int Size, bool IsKey);

    [Theory]
    [InlineData("25", 0)]
    [InlineData("30000/1001", 2)]
    [InlineData("60", 3)]
    public async Task Ffprobe_finds_in_both_the_same_pictures_and_sounds(string fps, int bFrames)
    {
        var frames = await Encode(fps, bFrames);
        using var rig = new CmafRig();
        rig.Write(frames).Break();
        Assert.Empty(rig.Faults);
        Assert.Equal(bFrames > 0, rig.Video.Samples.Any(s => s.Offset > 180));

        var pictures = frames.Where(f => f.Track.IsVideo).ToList();
        var transport = await Probe(rig.Transport.SelectMany(s => s.Buffer.Bytes.ToArray()), "v");
        var video = await Probe(Whole(rig, TrackKind.Video), "v");
        Assert.Equal((pictures.Count, pictures.Count), (transport.Count, video.Count));
        for (var i = 0; i < video.Count; i++)
        {
            Assert.Equal((transport[i].Shown, transport[i].IsKey), (video[i].Shown, video[i].IsKey));
            Assert.InRange(transport[i].Decoded - video[i].Decoded, 0, 180);
            // There a delimiter stands before each, and the parameter sets before an IDR.
            var more = 6 + (pictures[i].IsKey ? AvcConfiguration.ParameterSetsLength(pictures[i].Track.Configuration.Span) : 0);
            Assert.Equal(transport[i].Size, video[i].Size + more);
        }

        // What came before the first picture is in neither.
        var sounds = frames.Count(f => !f.Track.IsVideo && f.Decoded >= pictures[0].Decoded);
        transport = await Probe(rig.Transport.SelectMany(s => s.Buffer.Bytes.ToArray()), "a");
        var audio = await Probe(Whole(rig, TrackKind.Audio), "a");
        Assert.InRange(sounds - audio.Count, 0, 1);
        Assert.Equal(transport.Count, audio.Count);
        for (var i = 0; i < audio.Count; i++)
        {
            Assert.Equal((audio[0].Decoded + (i * 1024L), audio[i].Decoded), (audio[i].Decoded, audio[i].Shown));
            // ADTS in PES packets: a time a packet, rounded to 90 kHz, and 7 bytes before each frame.
            Assert.InRange((transport[i].Decoded / 90_000.0) - (audio[i].Decoded / 44_100.0), -0.001, 0.001);
            Assert.Equal((transport[i].Size - 7, true), (audio[i].Size, audio[i].IsKey));
        }
    }

    [Theory]
    [InlineData("1210", 44_100, 1024)]
    [InlineData("1190", 48_000, 1024)]
    // SBR, told hierarchically: 48 kHz are heard of frames of 24
    [InlineData("2b118800", 48_000, 2048)]
    public async Task Ffprobe_finds_each_sound_where_its_samples_are(string configuration, int timeScale, int duration)
    {
        Assert.True(AacConfiguration.TryRead(Convert.FromHexString(configuration), out var track, out var fault), fault);
        using var rig = new CmafRig();
        var frames = new List<Frame>();
        for (var i = 0; i * (double)duration / timeScale < 8.5; i++)
            frames.Add(new Frame(track!, Timestamp.FromMilliseconds((long)(i * 1000.0 * duration / timeScale)), 0, FrameFlags.Key, new byte[20 + (i % 7)]));
        rig.Write(frames).Break();
        Assert.Empty(rig.Faults);
        var audio = await Probe(Whole(rig, TrackKind.Audio), "a");
        Assert.Equal(frames.Count, audio.Count);
        for (var i = 0; i < audio.Count; i++)
            Assert.Equal(((10L * timeScale) + ((long)i * duration), 20 + (i % 7)), (audio[i].Decoded, audio[i].Size));
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
            int.Parse(Text(p, "size"), CultureInfo.InvariantCulture), Text(p, "flags")[0] == 'K'))];
    }

    /// <summary>What ffmpeg would publish: FLV, times in milliseconds.</summary>
    private static async Task<List<Frame>> Encode(string fps, int bFrames)
    {
        var file = Path.Combine(Path.GetTempPath(), "xlive-probe-" + Guid.NewGuid().ToString("N") + ".flv");
        try
        {
            using (var process = Process.Start(new ProcessStartInfo("ffmpeg", ["-v", "error", "-nostdin", "-f", "lavfi", "-i", $"testsrc2=s=160x90:r={fps}:d=7", "-f", "lavfi", "-i", "sine=r=44100:d=7",
                "-c:v", "libx264", "-preset", "veryfast", "-bf", $"{bFrames}", "-g", "60", "-c:a", "aac", "-b:a", "64k", file]))!)
            {
                await process.WaitForExitAsync();
                Assert.Equal(0, process.ExitCode);
            }
            List<Frame> frames = [];
            var reader = new FlvReader();
            var demuxer = new FlvDemuxer(default);
            ReadOnlyMemory<byte> bytes = await File.ReadAllBytesAsync(file);
            while (reader.Read(bytes, out var consumed, out var tag))
            {
                bytes = bytes[consumed..];
                if (tag.Type != FlvTagType.Script && demuxer.Read(tag.Type == FlvTagType.Video ? TrackKind.Video : TrackKind.Audio, tag.Timestamp, tag.Body, out var frame, out _) == FlvContent.Frame)
                    frames.Add(new Frame(frame.Track, frame.Decoded, frame.CompositionOffset, frame.Flags, frame.Payload.ToArray()));
            }
            return frames;
        }
        finally
        {
            File.Delete(file);
        }
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
