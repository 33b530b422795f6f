using XLive.Media.Codecs;

namespace XLive.Media.Flv;

/// <summary>Bodies of audio tags, or of RTMP's audio messages: AAC and MP3 (FLV 10.1, E.4.2).</summary>
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

    /// <param name="frame">Its payload lies in the body.</param>
    public FlvContent Read(ReadOnlyMemory<byte> body, Timestamp decoded, out Frame frame, out FlvFault fault)
    {
        frame = default;
        fault = FlvFault.None;
        var head = body.Span;
        // Silence, as several encoders send it.
        if (head.IsEmpty)
            return FlvContent.Nothing;
        switch (head[0] >> 4)
        {
            case Aac when head.Length < 2:
                return FlvContent.Nothing;
            case Aac when head[1] == 0:
                return ReadConfiguration(head[2..], out fault);
            case Aac:
                return ReadAac(body[2..], decoded, out frame, out fault);
            case Mp3 or Mp3At8kHz:
                return ReadMp3(body[1..], decoded, out frame, out fault);
            case Enhanced:
                return Drop(FlvFault.EnhancedCodec, "a FourCC codec", out fault);
            default:
                return Drop(FlvFault.UnknownCodec, $"audio codec {head[0] >> 4}", out fault);
        }
    }

    private FlvContent Drop(FlvFault reason, string text, out FlvFault fault)
    {
        fault = reason;
        FaultText = text;
        return FlvContent.Dropped;
    }

    private FlvContent ReadConfiguration(ReadOnlySpan<byte> record, out FlvFault fault)
    {
        fault = FlvFault.None;
        if (Track is { Codec: Codec.Aac } && record.SequenceEqual(_record))
            return FlvContent.Nothing;
        if (!AacConfiguration.TryRead(record, out var track, out string text))
            return Drop(FlvFault.BadConfiguration, text, out fault);
        _record = record.ToArray();
        Track = track;
        return FlvContent.Track;
    }

    private FlvContent ReadAac(ReadOnlyMemory<byte> payload, Timestamp decoded, out Frame frame, out FlvFault fault)
    {
        frame = default;
        fault = FlvFault.None;
        if (Track is not { Codec: Codec.Aac })
            return Drop(FlvFault.NoConfiguration, "AAC before its configuration", out fault);
        if (payload.IsEmpty)
            return FlvContent.Nothing;
        frame = new Frame(Track, decoded, 0, FrameFlags.Key, payload);
        return FlvContent.Frame;
    }

    private FlvContent ReadMp3(ReadOnlyMemory<byte> payload, Timestamp decoded, out Frame frame, out FlvFault fault)
    {
        frame = default;
        fault = FlvFault.None;
        if (payload.IsEmpty)
            return FlvContent.Nothing;
        var header = payload.Span;
        uint same = header.Length < 4 ? 0 : Same(header);
        if (Track is not { Codec: Codec.Mp3 } || same != _mp3)
        {
            if (!Mp3Header.TryRead(header, out var track, out string text))
                return Drop(FlvFault.BadConfiguration, text, out fault);
            (Track, _mp3) = (track, same);
        }
        frame = new Frame(Track!, decoded, 0, FrameFlags.Key, payload);
        return FlvContent.Frame;
    }

    // Version, layer, sampling rate, one channel or two. Bit rate, padding and the kind of stereo change at will, and so does the CRC.
    private static uint Same(ReadOnlySpan<byte> header) =>
        ((uint)header[0] << 24) | ((uint)(header[1] & 0xFE) << 16) | ((uint)(header[2] & 0x0C) << 8) | (header[3] >> 6 == 3 ? 1u : 0u);
}
