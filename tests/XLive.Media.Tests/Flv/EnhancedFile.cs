using XLive.Media.Flv;
using XLive.Media.Tests.Rtmp;

namespace XLive.Media.Tests.Flv;

/// <summary>What a publisher sent, as frames that stand by themselves.</summary>
internal sealed class EnhancedFile
{
    public EnhancedFile(string capture, int picture = 0)
    {
        Demuxer = new(default, picture);
        var reader = new FlvReader();
        ReadOnlyMemory<byte> bytes = Wire.Capture(capture);
        while (reader.Read(bytes, out var consumed, out var tag))
        {
            bytes = bytes[consumed..];
            if (tag.Type == FlvTagType.Script)
                continue;
            var kind = tag.Type == FlvTagType.Video ? TrackKind.Video : TrackKind.Audio;
            if (Demuxer.Read(kind, tag.Timestamp, tag.Body, out var frame, out _) == FlvContent.Frame)
                Frames.Add(new Frame(frame.Track, frame.Decoded, frame.CompositionOffset, frame.Flags, frame.Payload.ToArray()));
        }
    }

    public FlvDemuxer Demuxer { get; }
    public List<Frame> Frames { get; } = [];
    public List<Frame> Video => [.. Frames.Where(f => f.Track.IsVideo)];
    public List<Frame> Audio => [.. Frames.Where(f => !f.Track.IsVideo)];
}
