using System.Diagnostics;
using XLive.Media.Tests.Flv;

namespace XLive.Media.Tests.Fmp4;

/// <summary>What FFmpeg 8.1 published by enhanced RTMP, as CMAF and as MPEG-TS: ffmpeg decodes every frame of it and has nothing to say.</summary>
public class Fmp4CodecTests
{
    [Theory]
    [InlineData("hevc-aac", "hevc", 20, "aac")]
    [InlineData("av1-opus", "av1", 20, "opus")]
    [InlineData("avc-ac3", "h264", 20, "ac3")]
    [InlineData("eac3", null, 0, "eac3")]
    [InlineData("flac", null, 0, "flac")]
    [InlineData("opus51", null, 0, "opus")]
    [InlineData("vp9", "vp9", 10, null)]
    public async Task Every_frame_is_decoded_out_of_MP4(string capture, string? video, int pictures, string? audio)
    {
        var file = new EnhancedFile(capture);
        using var rig = new CmafRig(isRegular: false);
        rig.Write(file.Frames).Break();
        Assert.Empty(rig.Faults);
        Assert.Equal(0, rig.Segmenter.Refused);
        if (video is not null)
        {
            Assert.Equal(pictures, rig.Video.Samples.Count);
            var (name, frames) = await Decode(Whole(rig, TrackKind.Video), ".mp4", "v");
            Assert.Equal((video, pictures), (name, frames));
        }
        if (audio is null)
            return;
        // What came before the first picture is in no segment.
        var sounds = file.Audio.Count(f => video is null || f.Decoded >= file.Video[0].Decoded);
        Assert.InRange(sounds - rig.Audio.Samples.Count, 0, 1);
        Assert.Equal(0, rig.Audio.Holes);
        var (sound, decoded) = await Decode(Whole(rig, TrackKind.Audio), ".mp4", "a");
        Assert.Equal(audio, sound);
        Assert.InRange(decoded, rig.Audio.Samples.Count - 1, rig.Audio.Samples.Count);
    }

    [Theory]
    [InlineData("hevc-aac", "hevc", "aac")]
    [InlineData("avc-ac3", "h264", "ac3")]
    public async Task Every_frame_is_decoded_out_of_MPEG_TS(string capture, string video, string audio)
    {
        var file = new EnhancedFile(capture);
        using var rig = new CmafRig(isRegular: false);
        rig.Write(file.Frames).Break();
        var stream = rig.Transport.SelectMany(s => s.Buffer.Bytes.ToArray()).ToArray();
        Assert.Equal((video, file.Video.Count), await Decode(stream, ".ts", "v"));
        Assert.Equal(audio, (await Decode(stream, ".ts", "a")).Codec);
        var checker = new MpegTs.TransportChecker();
        foreach (var segment in rig.Transport)
            checker.Read(segment.Buffer.Bytes.Span);
        Assert.Empty(checker.Faults);
        Assert.Equal([video == "hevc" ? 0x24 : 0x1B, audio == "ac3" ? 0x81 : 0x0F], checker.Streams.OrderBy(s => s.Key).Select(s => s.Value));
        // Each picture stands behind its delimiter, and one that can be begun with behind its parameter sets.
        var pictures = checker.Of(0x100).ToList();
        byte[] delimiter = video == "hevc" ? [0, 0, 0, 1, 0x46, 1, 0x50] : [0, 0, 0, 1, 9, 0xF0];
        Assert.All(pictures, p => Assert.Equal(delimiter, p.Data[..delimiter.Length]));
        Assert.All(pictures.Where(p => p.IsRandomAccess), p => Assert.Equal(video == "hevc" ? 0x40 : 0x67, p.Data[delimiter.Length + 4]));
    }

    [Theory]
    [InlineData("av1-opus")]
    [InlineData("vp9")]
    [InlineData("eac3")]
    [InlineData("flac")]
    public void What_has_no_place_in_MPEG_TS_is_refused(string capture)
    {
        var file = new EnhancedFile(capture);
        using var rig = new CmafRig(isRegular: false);
        rig.Write(file.Frames).Break();
        Assert.NotEmpty(rig.Segments);
        Assert.Empty(rig.Transport);
    }

    [Fact]
    public void Packets_of_Opus_last_as_long_as_they_say()
    {
        var file = new EnhancedFile("av1-opus");
        var track = file.Audio[0].Track;
        using var rig = new CmafRig(isRegular: false);
        // 20 ms, 10 ms, 60 ms and again, on a clock of milliseconds.
        (byte Toc, int Milliseconds)[] kinds = [(0xF8, 20), (0xF0, 10), (0x18, 60)];
        var (time, frames) = (0L, new List<Frame>());
        for (var i = 0; time < 7_000; i++)
        {
            frames.Add(new Frame(track, Timestamp.FromMilliseconds(time), 0, FrameFlags.Key, new byte[] { kinds[i % 3].Toc, 1, 2, 3 }));
            time += kinds[i % 3].Milliseconds;
        }
        rig.Write(frames).Break();
        Assert.Empty(rig.Faults);
        Assert.Equal(0, rig.Audio.Holes);
        Assert.Equal(frames.Count, rig.Audio.Samples.Count);
        Assert.All(rig.Audio.Samples.Select((s, i) => (s, i)), p => Assert.Equal(kinds[p.i % 3].Milliseconds * 48, p.s.Duration));
        Assert.Equal(time * 48, rig.Audio.Samples[^1].Decoded + rig.Audio.Samples[^1].Duration - rig.Audio.Samples[0].Decoded);
    }

    /// <summary>Initialization and segments one behind the other, as a player has them in memory.</summary>
    private static byte[] Whole(CmafRig rig, TrackKind kind)
    {
        var segments = rig.Of(kind);
        return [.. segments[0].Initialization.Bytes.Span, .. segments.SelectMany(s => s.Buffer!.Bytes.ToArray())];
    }

    private static async Task<(string Codec, int Frames)> Decode(byte[] media, string ending, string kind)
    {
        var file = Path.Combine(Path.GetTempPath(), "xlive-codec-" + Guid.NewGuid().ToString("N") + ending);
        await File.WriteAllBytesAsync(file, media);
        try
        {
            var name = await Run("ffprobe", ["-v", "warning", "-select_streams", kind, "-show_entries", "stream=codec_name", "-of", "default=nk=1:nw=1", file]);
            var hashes = await Run("ffmpeg", ["-v", "warning", "-nostdin", "-xerror", "-i", file, "-map", "0:" + kind, "-fps_mode", "passthrough", "-f", "framemd5", "-"]);
            return (name.Trim().Split('\n')[0], hashes.Split('\n').Count(l => l.Length > 0 && l[0] != '#'));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task<string> Run(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal((0, ""), (process.ExitCode, await errors));
        return text;
    }
}
