using XLive.Media.Codecs;

namespace XLive.Media.Flv;

/// <summary>VP9: a frame a message, or a superframe. What the configuration leaves out, the size first of all, keyframes say, and one that says something else is another track.</summary>
internal sealed class Vp9Reader() : PictureReader(Codec.Vp9)
{
    private byte[] _configuration = [];
    private Vp9Header _key;

    protected override bool TryConfigure(ReadOnlySpan<byte> record, out string text)
    {
        if (!Vp9Configuration.TryRead(record, out var body, out text))
            return false;
        _configuration = body;
        // Of a stream that goes on the pictures stay what they are until a keyframe comes.
        if (Track is not null)
            Track = Vp9Configuration.TrackOf(_configuration, _key);
        return true;
    }

    public override FlvContent Read(ReadOnlyMemory<byte> body, Timestamp decoded, int compositionTime, out Frame frame, out FlvFault fault)
    {
        frame = default;
        fault = FlvFault.None;
        if (_configuration.Length == 0)
            return Drop(FlvFault.NoConfiguration, "video before its configuration", out fault);
        if (!Vp9Header.TryRead(body.Span, out var header, out var text))
            return Drop(FlvFault.BadFrame, text, out fault);
        if (header.IsKey && (Track is null || header != _key))
            (_key, Track) = (header, Vp9Configuration.TrackOf(_configuration, header));
        if (Track is null)
            return Drop(FlvFault.NoConfiguration, "video before its first keyframe", out fault);
        frame = new Frame(Track, decoded, compositionTime * Timestamp.PerMillisecond, header.IsKey ? FrameFlags.Key : FrameFlags.None, body);
        return FlvContent.Frame;
    }
}
