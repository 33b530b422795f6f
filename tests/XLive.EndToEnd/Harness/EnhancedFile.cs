using XLive.Media;
using XLive.Media.Flv;

namespace XLive.EndToEnd.Harness;

/// <summary>Frames of any codec, as FFmpeg 8.1 sends them to a server.</summary>
public static class EnhancedFile
{
    /// <summary>Encoded by Debian's ffmpeg to an MP4 file of the name, and sent by the newer one to a file beside it.</summary>
    public static async Task<List<Frame>> Make(TempFolder folder, string name, params string[] recipe)
    {
        (await Tool.Run("ffmpeg", ["-v", "error", "-nostdin", "-y", .. recipe, "-strict", "-2", folder[name]], TimeSpan.FromSeconds(60))).MustSucceed();
        var sent = folder[name] + ".flv";
        (await Tool.Run("node", ["publish.mjs", folder[name], sent], TimeSpan.FromSeconds(60), Path.Combine(Repository.EndToEnd, "publisher"))).MustSucceed();

        List<Frame> frames = [];
        var (reader, demuxer) = (new FlvReader(), new FlvDemuxer(default));
        ReadOnlyMemory<byte> bytes = await File.ReadAllBytesAsync(sent);
        while (reader.Read(bytes, out var consumed, out var tag))
        {
            bytes = bytes[consumed..];
            if (tag.Type == FlvTagType.Script)
                continue;
            if (demuxer.Read(tag.Type == FlvTagType.Video ? TrackKind.Video : TrackKind.Audio, tag.Timestamp, tag.Body, out var frame, out _) == FlvContent.Frame)
                frames.Add(new Frame(frame.Track, frame.Decoded, frame.CompositionOffset, frame.Flags, frame.Payload.ToArray()));
        }
        Assert.Equal((0, ""), (demuxer.Dropped, demuxer.FaultText));
        return frames;
    }
}
