using XLive.Media.Codecs;

namespace XLive.Media.Flv;

/// <summary>
/// Bodies of audio tags, or of RTMP's audio messages: AAC and MP3 by their numbers (FLV 10.1, E.4.2), and these, Opus, FLAC, AC-3 and E-AC-3 by their
/// FourCC (Enhanced RTMP v2).
/// </summary>
public sealed class FlvAudio
{
    private const int Mp3 = 2;
    private const int Enhanced = 9;
    private const int Aac = 10;
    private const int Mp3At8kHz = 14;

    private byte[] _record = [];
    private uint _mp3; // what does not change from frame to frame of its header

    public Track? Track { get; private set; }

    /// <summary>What was wrong with the last that was dropped, for the log.</summary>
    public string FaultText { get; private set; } = "";

    /// <summary>What came of tracks beside the first: only that is carried.</summary>
    public long OtherTracks { get; private set; }

    /// <summary>Of the frame that came last, to be added to the message's time.</summary>
    public int Nanoseconds { get; private set; }

    /// <param name="frame">Its payload lies in the body.</param>
    public FlvContent Read(ReadOnlyMemory<byte> body, Timestamp decoded, out Frame frame, out FlvFault fault)
    {
        frame = default;
        fault = FlvFault.None;
        Nanoseconds = 0;
        var head = body.Span;
        // Silence, as several encoders send it.
        if (head.IsEmpty)
            return FlvContent.Nothing;
        switch (head[0] >> 4)
        {
            case Aac when head.Length < 2:
                return FlvContent.Nothing;
            case Aac when head[1] == 0:
                return Configure(Codec.Aac, head[2..], out fault);
            case Aac:
                return ReadFrame(Codec.Aac, body[2..], decoded, out frame, out fault);
            case Mp3 or Mp3At8kHz:
                return ReadFrame(Codec.Mp3, body[1..], decoded, out frame, out fault);
            case Enhanced:
                return ReadEnhanced(body, decoded, out frame, out fault);
            default:
                return Drop(FlvFault.UnknownCodec, $"audio codec {head[0] >> 4}", out fault);
        }
    }

    private FlvContent ReadEnhanced(ReadOnlyMemory<byte> body, Timestamp decoded, out Frame frame, out FlvFault fault)
    {
        frame = default;
        var isOpen = ExTag.TryOpen(body, isVideo: false, track: 0, out var tag, out var codec, out fault, out var text);
        OtherTracks += tag.Others;
        if (!isOpen)
            return fault == FlvFault.None ? FlvContent.Nothing : Drop(fault, text, out fault);
        Nanoseconds = tag.Nanoseconds;
        return tag.Packet switch
        {
            ExTag.SequenceStart => Configure(codec, tag.Body.Span, out fault),
            ExTag.CodedFrames => ReadFrame(codec, tag.Body, decoded, out frame, out fault),
            _ => Drop(FlvFault.UnknownPacket, $"an audio packet of type {tag.Packet}", out fault),
        };
    }

    private FlvContent Drop(FlvFault reason, string text, out FlvFault fault)
    {
        fault = reason;
        FaultText = text;
        return FlvContent.Dropped;
    }

    private FlvContent Configure(Codec codec, ReadOnlySpan<byte> record, out FlvFault fault)
    {
        fault = FlvFault.None;
        // What these are their frames say.
        if (codec is Codec.Mp3 or Codec.Ac3 or Codec.Eac3)
            return FlvContent.Nothing;
        if (Track is not null && Track.Codec == codec && record.SequenceEqual(_record))
            return FlvContent.Nothing;
        if (!TryRead(codec, record, out var track, out string text))
            return Drop(FlvFault.BadConfiguration, text, out fault);
        _record = record.ToArray();
        Track = track;
        return FlvContent.Track;
    }

    private static bool TryRead(Codec codec, ReadOnlySpan<byte> record, out Track? track, out string text) => codec switch
    {
        Codec.Opus => OpusConfiguration.TryRead(record, out track, out text),
        Codec.Flac => FlacConfiguration.TryRead(record, out track, out text),
        _ => AacConfiguration.TryRead(record, out track, out text),
    };

    private FlvContent ReadFrame(Codec codec, ReadOnlyMemory<byte> payload, Timestamp decoded, out Frame frame, out FlvFault fault)
    {
        frame = default;
        fault = FlvFault.None;
        if (codec is Codec.Mp3 or Codec.Ac3 or Codec.Eac3)
        {
            if (payload.IsEmpty)
                return FlvContent.Nothing;
            if (!TakeHeader(codec, payload.Span, out string text))
                return Drop(FlvFault.BadConfiguration, text, out fault);
        }
        if (Track is null || Track.Codec != codec)
            return Drop(FlvFault.NoConfiguration, $"{codec} before its configuration", out fault);
        if (payload.IsEmpty)
            return FlvContent.Nothing;
        if ((codec == Codec.Opus && OpusConfiguration.SamplesOf(payload.Span) == 0) || (codec == Codec.Flac && FlacConfiguration.SamplesOf(payload.Span) == 0))
            return Drop(FlvFault.BadFrame, $"no {codec} frame", out fault);
        frame = new Frame(Track, decoded, 0, FrameFlags.Key, payload);
        return FlvContent.Frame;
    }

    /// <summary>Of codecs whose frames are all the configuration there is.</summary>
    private bool TakeHeader(Codec codec, ReadOnlySpan<byte> frame, out string text)
    {
        text = "";
        if (codec != Codec.Mp3)
        {
            if (Track is not null && Track.Codec == codec && Ac3Header.IsOf(Track, frame))
                return true;
            if (!Ac3Header.TryRead(frame, codec == Codec.Eac3, out var sound, out text))
                return false;
            Track = sound;
            return true;
        }
        uint same = frame.Length < 4 ? 0 : Same(frame);
        if (Track is { Codec: Codec.Mp3 } && same == _mp3)
            return true;
        if (!Mp3Header.TryRead(frame, out var track, out text))
            return false;
        (Track, _mp3) = (track, same);
        return true;
    }

    // Version, layer, sampling rate, one channel or two. Bit rate, padding and the kind of stereo change at will, and so does the CRC.
    private static uint Same(ReadOnlySpan<byte> header) =>
        ((uint)header[0] << 24) | ((uint)(header[1] & 0xFE) << 16) | ((uint)(header[2] & 0x0C) << 8) | (header[3] >> 6 == 3 ? 1u : 0u);
}
