using XLive.Media.Codecs;

namespace XLive.Media.Flv;

/// <summary>AV1: a temporal unit a message. Another sequence header within one is another track; delimiters and padding are taken out (AV1-ISOBMFF 2.4).</summary>
internal sealed class Av1Reader() : PictureReader(Codec.Av1)
{
    private bool _isConfigured;
    private byte[] _rewritten = [];

    protected override bool TryConfigure(ReadOnlySpan<byte> record, out string text)
    {
        text = "";
        if (!Av1Configuration.IsBare(record))
        {
            if (!Av1Configuration.TryRead(record, out var track, out text))
                return false;
            Track = track;
        }
        return _isConfigured = true;
    }

    public override FlvContent Read(ReadOnlyMemory<byte> body, Timestamp decoded, int compositionTime, out Frame frame, out FlvFault fault)
    {
        frame = default;
        fault = FlvFault.None;
        if (!_isConfigured)
            return Drop(FlvFault.NoConfiguration, "video before its configuration", out fault);

        var (flags, hasFrame, kept) = (FrameFlags.None, false, 0);
        var units = new Obus(body.Span);
        while (units.MoveNext())
        {
            switch (units.Type)
            {
                case ObuType.SequenceHeader when !TakeSequence(units.Payload, out string text):
                    return Drop(FlvFault.BadConfiguration, text, out fault);
                case ObuType.FrameHeader or ObuType.Frame when !hasFrame && !units.Payload.IsEmpty:
                    hasFrame = true;
                    // show_existing_frame 0, frame_type KEY_FRAME, show_frame 1 (5.9.2): by the frame, not by the tag's own word
                    flags = (units.Payload[0] & 0xF0) == 0x10 ? FrameFlags.Key : FrameFlags.None;
                    break;
            }
            kept += IsKept(units.Type) ? units.Current.Length : 0;
        }
        if (units.IsBroken)
            return Drop(FlvFault.BadNalLength, "an OBU longer than its frame", out fault);
        if (!hasFrame)
            return FlvContent.Nothing;
        if (Track is null)
            return Drop(FlvFault.NoConfiguration, "video before its sequence header", out fault);
        frame = new Frame(Track, decoded, compositionTime * Timestamp.PerMillisecond, flags, kept == body.Length ? body : Rewrite(body.Span, kept));
        return FlvContent.Frame;
    }

    private static bool IsKept(ObuType type) => type is not (ObuType.TemporalDelimiter or ObuType.Padding);

    private bool TakeSequence(ReadOnlySpan<byte> payload, out string text)
    {
        text = "";
        if (Track is not null && payload.SequenceEqual(Av1Configuration.SequenceHeader(Track.Configuration.Span)))
            return true;
        if (!Av1Configuration.TryMake(payload, out var track, out text))
            return false;
        Track = track;
        return true;
    }

    private ReadOnlyMemory<byte> Rewrite(ReadOnlySpan<byte> body, int length)
    {
        if (_rewritten.Length < length)
            _rewritten = new byte[length + (length / 4)];
        var at = 0;
        var units = new Obus(body);
        while (units.MoveNext())
        {
            if (!IsKept(units.Type))
                continue;
            units.Current.CopyTo(_rewritten.AsSpan(at));
            at += units.Current.Length;
        }
        return _rewritten.AsMemory(0, length);
    }
}
