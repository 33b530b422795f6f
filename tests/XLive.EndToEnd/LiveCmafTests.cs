using System.Globalization;
using System.Text;
using XLive.EndToEnd.Harness;
using XLive.Media;
using XLive.Media.Fmp4;
using XLive.Media.Hls;

namespace XLive.EndToEnd;

/// <summary>What encoders send, as CMAF: other people's decoders get every picture and every sound of it, and a browser plays it to the end.</summary>
public sealed class LiveCmafTests
{
    static readonly string[] Picture = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=30000/1001:d=9"];
    static readonly string[] Sound = ["-f", "lavfi", "-i", "sine=f=440:r=44100:d=9"];

    [Fact]
    public async Task Every_picture_and_every_sound_is_decoded_as_from_the_source()
    {
        using var folder = new TempFolder();
        var frames = await FlvFile.Make(folder, "source.flv", [.. Picture, .. Sound, "-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "60", "-c:a", "aac", "-b:a", "96k"]);
        Write(folder.Path, [frames]);
        foreach (var (kind, playlist) in new[] { ("v", "video.m3u8"), ("a", "audio.m3u8") })
        {
            var (expected, played) = (await Hashes(folder["source.flv"], kind), await Hashes(folder[playlist], kind));
            Assert.True(expected.Count > 100);
            Assert.Equal(expected, played);
            // Nothing to warn of either: gaps, broken times, missing references.
            var faults = await Tool.Run("ffprobe", ["-v", "warning", "-show_packets", "-i", folder[playlist]], TimeSpan.FromSeconds(30));
            Assert.True(faults.ExitCode == 0 && faults.Errors.Length == 0, faults.Errors);
        }
    }

    [Fact]
    public async Task Hls_js_plays_picture_and_sound_of_their_own_to_the_end()
    {
        using var folder = new TempFolder();
        var frames = await FlvFile.Make(folder, "source.flv", [.. Picture, .. Sound, "-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "60", "-c:a", "aac"]);
        var media = Directory.CreateDirectory(folder["media"]).FullName;
        Write(Path.Combine(media, "recorded"), [frames]);
        await using var server = await ServerProcess.Start(media);
        var played = await Browser.Play(server.Url(ServerProcess.Sign("/recorded/stream.m3u8").InQuery), rate: 4);
        var report = played.ToString();
        Assert.True(played.Ended && !played.SeriousErrors.Any() && played.ConsoleErrors.Count == 0 && played.AudioTracks == 1, report);
        Assert.InRange(played.CurrentTime, 8.8, 9.2);
        Assert.True(played.DecodedFrames > 270 - 30, report);
    }

    internal static void Write(string into, List<Frame>[] publishes)
    {
        Directory.CreateDirectory(into);
        var texts = new Dictionary<TrackKind, StringBuilder> { [TrackKind.Video] = new(), [TrackKind.Audio] = new() };
        var last = new Dictionary<TrackKind, Initialization>();
        var (number, codecs) = (0, new Dictionary<TrackKind, string>());
        var writer = new CmafSegments(new CmafOptions { PartSeconds = 0.2 }, _ => { }, segment =>
        {
            var (text, name) = (texts[segment.Kind], segment.Kind == TrackKind.Video ? "v" : "a");
            if (segment.IsDiscontinuity)
                text.Append("#EXT-X-DISCONTINUITY\n");
            if (!ReferenceEquals(last.GetValueOrDefault(segment.Kind), segment.Initialization))
            {
                File.WriteAllBytes(Path.Combine(into, $"{name}{number}.mp4"), segment.Initialization.Bytes.ToArray());
                text.Append(CultureInfo.InvariantCulture, $"#EXT-X-MAP:URI=\"{name}{number}.mp4\"\n");
                last[segment.Kind] = segment.Initialization;
                codecs.TryAdd(segment.Kind, segment.Initialization.CodecName);
            }
            File.WriteAllBytes(Path.Combine(into, $"{name}{number}.m4s"), segment.Buffer!.Bytes.ToArray());
            segment.Buffer.Release();
            text.Append(CultureInfo.InvariantCulture, $"#EXT-X-PROGRAM-DATE-TIME:{segment.ProgramDateTime.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fff}Z\n#EXTINF:{segment.Seconds:F6},\n{name}{number++}.m4s\n");
        });
        using (var segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = 2 }, writer))
        {
            var now = DateTimeOffset.UnixEpoch;
            foreach (var frames in publishes)
            {
                foreach (var frame in frames)
                    segmenter.Write(frame, now);
                segmenter.Break();
                now = now.AddSeconds(20);
            }
            Assert.Equal((0, SegmenterWarnings.None), (segmenter.Refused, segmenter.Warnings));
        }
        foreach (var (kind, text) in texts)
        {
            File.WriteAllText(Path.Combine(into, kind == TrackKind.Video ? "video.m3u8" : "audio.m3u8"),
                $"#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n{text}#EXT-X-ENDLIST\n");
        }
        File.WriteAllText(Path.Combine(into, "stream.m3u8"), "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n"
            + "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",DEFAULT=YES,AUTOSELECT=YES,URI=\"audio.m3u8\"\n"
            + $"#EXT-X-STREAM-INF:BANDWIDTH=1000000,CODECS=\"{codecs[TrackKind.Video]},{codecs[TrackKind.Audio]}\",AUDIO=\"a\"\nvideo.m3u8\n");
    }

    /// <summary>Of each decoded picture or piece of sound, in order; or, copied, of each packet.</summary>
    internal static async Task<List<string>> Hashes(string source, string kind, params string[] codec)
    {
        var result = (await Tool.Run("ffmpeg", ["-hide_banner", "-nostdin", "-loglevel", "error", "-xerror", "-i", source, "-map", "0:" + kind, .. codec, "-fps_mode", "passthrough", "-f", "framemd5", "-"],
            TimeSpan.FromSeconds(60))).MustSucceed();
        return [.. result.Output.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(',')[5].Trim())];
    }
}
