using XLive.Media.Codecs;

namespace XLive.Media.Flv;

/// <summary>
/// Bodies of video tags, or of RTMP's video messages, which are the same: H.264 by its number (FLV 10.1, E.4.3), and H.264, HEVC, AV1 and VP9 by their FourCC
/// (Enhanced RTMP v2). The codec is that of the configuration that came last.
/// </summary>
/// <param name="track">Of several the id of that which is read. What says nothing of tracks is of the first, 0.</param>
public sealed class FlvVideo(int track = 0)
{
    private const int AvcCodec = 7;
    private const int EnhancedBit = 0x80;
    private const int HeaderLength = 5;
    private const int Command = 5;

    private PictureReader? _pictures;

    public Track? Track => _pictures?.Track;

    /// <summary>What was wrong with the last that was dropped, for the log.</summary>
    public string FaultText { get; private set; } = "";

    /// <summary>What came of other tracks.</summary>
    public long OtherTracks { get; private set; }

    /// <summary>Of the frame that came last, to be added to the message's time.</summary>
    public int Nanoseconds { get; private set; }

    /// <param name="frame">Its payload lies in the body, or stands until the next call.</param>
    public FlvContent Read(ReadOnlyMemory<byte> body, Timestamp decoded, out Frame frame, out FlvFault fault)
    {
        frame = default;
        fault = FlvFault.None;
        Nanoseconds = 0;
        var head = body.Span;
        // Encoders send an empty one as a sign of life; a command is to a player that seeks (E.4.3.1).
        if (head.IsEmpty || ((head[0] >> 4) & 7) == Command)
            return FlvContent.Nothing;
        if ((head[0] & EnhancedBit) != 0)
            return ReadEnhanced(body, decoded, out frame, out fault);
        if (track != 0)
            return FlvContent.Nothing;
        if ((head[0] & 0x0F) != AvcCodec)
            return Drop(FlvFault.UnknownCodec, $"video codec {head[0] & 0x0F}", out fault);
        if (head.Length < HeaderLength)
            return Drop(FlvFault.CutShort, "a video tag without its header", out fault);
        return head[1] switch
        {
            0 => Configure(Codec.H264, head[HeaderLength..], out fault),
            1 => ReadFrame(Codec.H264, body[HeaderLength..], decoded, CompositionTime(head[2..]), out frame, out fault),
            _ => FlvContent.Nothing, // 2: the end of the sequence
        };
    }

    private FlvContent ReadEnhanced(ReadOnlyMemory<byte> body, Timestamp decoded, out Frame frame, out FlvFault fault)
    {
        frame = default;
        var isOpen = ExTag.TryOpen(body, isVideo: true, track, out var tag, out var codec, out fault, out var text);
        OtherTracks += tag.Others;
        if (!isOpen)
            return fault == FlvFault.None ? FlvContent.Nothing : Drop(fault, text, out fault);
        Nanoseconds = tag.Nanoseconds;
        switch (tag.Packet)
        {
            case ExTag.SequenceStart:
                return Configure(codec, tag.Body.Span, out fault);
            // Only these two have pictures that are shown at another time, and without the X the time is told (SI24).
            case ExTag.CodedFrames when codec is Codec.H264 or Codec.Hevc:
                return tag.Body.Length < 3
                    ? Drop(FlvFault.CutShort, "a video tag without its composition time", out fault)
                    : ReadFrame(codec, tag.Body[3..], decoded, CompositionTime(tag.Body.Span), out frame, out fault);
            case ExTag.CodedFrames or ExTag.CodedFramesX:
                return ReadFrame(codec, tag.Body, decoded, 0, out frame, out fault);
            case ExTag.TransportSequenceStart:
                return Drop(FlvFault.UnknownPacket, $"{FourCc.Say(tag.Name)} configured by MPEG-2 TS descriptors (MPEG2TSSequenceStart)", out fault);
            default:
                return Drop(FlvFault.UnknownPacket, $"a video packet of type {tag.Packet}", out fault);
        }
    }

    private static int CompositionTime(ReadOnlySpan<byte> bytes) => ((sbyte)bytes[0] << 16) | (bytes[1] << 8) | bytes[2];

    private FlvContent Configure(Codec codec, ReadOnlySpan<byte> record, out FlvFault fault)
    {
        // One of another codec that cannot be read changes nothing either.
        var pictures = _pictures?.Codec == codec ? _pictures : PictureReader.For(codec);
        var content = pictures.Configure(record, out fault);
        if (content == FlvContent.Dropped)
            FaultText = pictures.FaultText;
        else
            _pictures = pictures;
        return content;
    }

    private FlvContent ReadFrame(Codec codec, ReadOnlyMemory<byte> body, Timestamp decoded, int compositionTime, out Frame frame, out FlvFault fault)
    {
        frame = default;
        if (_pictures?.Codec != codec)
            return Drop(FlvFault.NoConfiguration, "video before its configuration", out fault);
        if (body.IsEmpty)
        {
            fault = FlvFault.None;
            return FlvContent.Nothing;
        }
        var content = _pictures.Read(body, decoded, compositionTime, out frame, out fault);
        if (content == FlvContent.Dropped)
            FaultText = _pictures.FaultText;
        return content;
    }

    private FlvContent Drop(FlvFault reason, string text, out FlvFault fault)
    {
        fault = reason;
        FaultText = text;
        return FlvContent.Dropped;
    }
}
