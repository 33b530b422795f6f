using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>What FFmpeg 8.1 sends of modern codecs, as CMAF: ffmpeg decodes every picture as out of the source and finds every sound, and Chromium plays AV1 and VP9 with Opus.</summary>
public sealed class EnhancedCmafTests
{
    private static readonly string[] Picture = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=30000/1001:d=6"];
    private static readonly string[] Sound = ["-f", "lavfi", "-i", "sine=f=440:r=48000:d=6"];

    // Open GOPs, B-frames, several slices: x265's own settings but for its speed.
    private static readonly string[] Hevc = ["-c:v", "libx265", "-preset", "ultrafast", "-g", "60", "-x265-params", "log-level=error"];
    private static readonly string[] Av1 = ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-g", "60"];

    private static readonly string[] Vp9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "60"];

    public static TheoryData<string, string[], string[]> Codecs => new()
    {
        { "HEVC, E-AC-3", Hevc, ["-c:a", "eac3"] },
        { "HEVC of 10 bits, AC-3 of 5.1", [.. Hevc, "-pix_fmt", "yuv420p10le"], ["-c:a", "ac3", "-ac", "6"] },
        { "AV1, Opus", Av1, ["-c:a", "libopus"] },
        { "AV1, FLAC", Av1, ["-c:a", "flac"] },
        { "VP9, Opus", Vp9, ["-c:a", "libopus"] },
        { "VP9 of 10 bits and 4:4:4, FLAC", [.. Vp9, "-pix_fmt", "yuv444p10le"], ["-c:a", "flac"] },
        { "HEVC, Opus of 5.1 and 60 ms", Hevc, ["-c:a", "libopus", "-ac", "6", "-frame_duration", "60"] },
    };

    [Theory]
    [MemberData(nameof(Codecs))]
    public async Task Every_picture_is_decoded_as_from_the_source_and_every_sound_is_there(string name, string[] video, string[] audio)
    {
        using var folder = new TempFolder();
        var frames = await EnhancedFile.Make(folder, "source.mp4", [.. Picture, .. Sound, .. video, .. audio]);
        LiveCmafTests.Write(folder.Path, [frames]);
        var pictures = await LiveCmafTests.Hashes(folder["source.mp4"], "v");
        Assert.True(pictures.Count > 150, name);
        Assert.Equal(pictures, await LiveCmafTests.Hashes(folder["video.m3u8"], "v"));
        // What came before the first picture is in no segment.
        var (sounds, kept) = (await LiveCmafTests.Hashes(folder["source.mp4"], "a", "-c", "copy"), await LiveCmafTests.Hashes(folder["audio.m3u8"], "a", "-c", "copy"));
        Assert.InRange(sounds.Count - kept.Count, 0, 1);
        Assert.Equal(sounds.TakeLast(kept.Count), kept);
        foreach (var playlist in (string[])["video.m3u8", "audio.m3u8"])
        {
            var faults = await Tool.Run("ffprobe", ["-v", "warning", "-show_packets", "-i", folder[playlist]], TimeSpan.FromSeconds(30));
            Assert.True(faults.ExitCode == 0 && faults.Errors.Length == 0, faults.Errors);
        }
    }

    [Theory]
    [InlineData("AV1")]
    [InlineData("VP9")]
    public async Task Hls_js_plays_it_with_Opus_to_the_end(string video)
    {
        using var folder = new TempFolder();
        var frames = await EnhancedFile.Make(folder, "source.mp4", [.. Picture, .. Sound, .. video == "AV1" ? Av1 : Vp9, "-c:a", "libopus"]);
        var media = Directory.CreateDirectory(folder["media"]).FullName;
        LiveCmafTests.Write(Path.Combine(media, "recorded"), [frames]);
        await using var server = await ServerProcess.Start(media);
        var played = await Browser.Play(server.Url(ServerProcess.Sign("/recorded/stream.m3u8").InQuery), rate: 4);
        var report = played.ToString();
        Assert.True(played.Ended && !played.SeriousErrors.Any() && played.ConsoleErrors.Count == 0 && played.AudioTracks == 1, report);
        Assert.InRange(played.CurrentTime, 5.8, 6.2);
        Assert.True(played.DecodedFrames > 180 - 30, report);
    }
}
