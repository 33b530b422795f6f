using System.Globalization;
using XLive.EndToEnd.Harness;
using XLive.Media;
using XLive.Media.Hls;

namespace XLive.EndToEnd;

/// <summary>What encoders send, cut into segments: other people's decoders get every picture and every sound of it, and players play it to the end.</summary>
public sealed class LiveSegmentsTests
{
    static readonly string[] Picture = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=9"];
    static readonly string[] Sound = ["-f", "lavfi", "-i", "sine=f=440:r=44100:d=9"];

    public static TheoryData<string, string[]> Streams => new()
    {
        { "B-frames and AAC", [.. Picture, .. Sound, "-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "50", "-c:a", "aac", "-b:a", "96k"] },
        { "interlaced, slices, open GOPs", [.. Picture, "-c:v", "libx264", "-preset", "veryfast", "-flags", "+ildct+ilme", "-x264-params", "slices=4:open-gop=1:keyint=48", "-pix_fmt", "yuv420p"] },
        { "MP3 alone", [.. Sound, "-c:a", "libmp3lame", "-b:a", "64k"] },
    };

    [Theory, MemberData(nameof(Streams))]
    public async Task Every_picture_and_every_sound_is_decoded_as_from_the_source(string what, string[] recipe)
    {
        using var folder = new TempFolder();
        var frames = await FlvFile.Make(folder, "source.flv", recipe);
        var segments = Write(folder, [frames]);
        Assert.InRange(segments.Count, 2, 5);
        foreach (var kind in frames.Select(f => f.Track.IsVideo ? "v" : "a").Distinct())
        {
            var (expected, played) = (await Hashes(folder["source.flv"], kind), await Hashes(folder["live.m3u8"], kind));
            Assert.True(expected.Count > 100, what);
            Assert.Equal(expected, played);
        }
        // Nothing to warn of either: gaps, broken times, missing references.
        var faults = await Tool.Run("ffprobe", ["-v", "warning", "-show_packets", "-of", "csv=p=0", "-show_entries", "packet=stream_index,dts,flags", "-i", folder["live.m3u8"]], TimeSpan.FromSeconds(30));
        Assert.True(faults.ExitCode == 0 && faults.Errors.Length == 0, faults.ToString());
        foreach (var stream in faults.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(',')).GroupBy(p => p[0]))
        {
            var times = stream.Select(p => long.Parse(p[1], CultureInfo.InvariantCulture)).ToList();
            Assert.True(times.Zip(times.Skip(1), (a, b) => b > a).All(rises => rises), what);
        }
    }

    [Fact]
    public async Task Hls_js_plays_over_a_publisher_who_came_back_with_another_picture()
    {
        using var folder = new TempFolder();
        var first = await FlvFile.Make(folder, "1.flv", [.. Picture, .. Sound, "-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-c:a", "aac", "-t", "4"]);
        var second = await FlvFile.Make(folder, "2.flv", ["-f", "lavfi", "-i", "testsrc=s=480x270:r=30:d=6", .. Sound, "-c:v", "libx264", "-preset", "veryfast", "-g", "60", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ar", "48000", "-t", "4"]);
        var media = Directory.CreateDirectory(folder["media"]).FullName;
        Write(folder, [first, second], Path.Combine(media, "recorded"));
        await using var server = await ServerProcess.Start(media);
        var played = await Browser.Play(server.Url(ServerProcess.Sign("/recorded/stream.m3u8").InQuery), rate: 4);
        var report = played.ToString();
        Assert.True(played.Ended && !played.SeriousErrors.Any() && played.ConsoleErrors.Count == 0, report);
        Assert.InRange(played.CurrentTime, 7.5, 8.5);
        Assert.True(played.DecodedFrames > (4 * 25) + (4 * 30) - 60, report);
    }

    static List<Segment> Write(TempFolder folder, List<Frame>[] publishes, string? into = null)
    {
        into = Directory.CreateDirectory(into ?? folder.Path).FullName;
        List<Segment> segments = [];
        using var playlist = new LivePlaylist(new LivePlaylistOptions { Window = 100, MediaUri = "live.m3u8" });
        Segmenter segmenter = null!;
        var now = DateTimeOffset.UnixEpoch;
        segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = 2 }, new TransportSegments(segment =>
        {
            File.WriteAllBytes(Path.Combine(into, LiveSegment.NameOf(segments.Count)), segment.Buffer.Bytes.ToArray());
            segments.Add(segment);
            playlist.Add(segment, segmenter.TargetDuration, segmenter.IsIndependent, now);
        }));
        using (segmenter)
        {
            foreach (var frames in publishes)
            {
                foreach (var frame in frames)
                    segmenter.Write(frame, now);
                segmenter.Break();
                now = now.AddSeconds(20);
            }
            Assert.Equal((0, SegmenterWarnings.None), (segmenter.Refused, segmenter.Warnings));
        }
        playlist.End(now);
        File.WriteAllBytes(Path.Combine(into, "live.m3u8"), playlist.Current!.Media.Plain.ToArray());
        File.WriteAllBytes(Path.Combine(into, "stream.m3u8"), playlist.Current.Multivariant.Plain.ToArray());
        return segments;
    }

    /// <summary>Of each decoded picture or piece of sound, in order.</summary>
    static async Task<List<string>> Hashes(string source, string kind)
    {
        var result = (await Tool.Run("ffmpeg", ["-hide_banner", "-nostdin", "-loglevel", "error", "-xerror", "-i", source, "-map", "0:" + kind, "-fps_mode", "passthrough", "-f", "framemd5", "-"],
            TimeSpan.FromSeconds(60))).MustSucceed();
        return [.. result.Output.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(',')[^1].Trim())];
    }
}
