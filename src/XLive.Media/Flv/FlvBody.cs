namespace XLive.Media.Flv;

/// <summary>What stands before a frame, or a configuration, in a tag's body and in RTMP's audio and video messages.</summary>
public static class FlvBody
{
    public const int LongestHead = 5;

    private const byte Avc = 7;
    private const byte Key = 1 << 4;
    private const byte Inter = 2 << 4;
    private const byte DisposableInter = 3 << 4;
    private const byte Aac = 0xAF; // whatever the configuration says, "44 kHz, 16 bit, stereo" (E.4.2.1)

    /// <returns>How long it is.</returns>
    public static int Head(in Frame frame, Span<byte> place)
    {
        switch (frame.Track.Codec)
        {
            case Codec.H264:
                place[0] = (byte)((frame.IsKey ? Key : (frame.Flags & FrameFlags.Disposable) != 0 ? DisposableInter : Inter) | Avc);
                place[1] = 1;
                UInt24(place[2..], frame.CompositionOffset / Timestamp.PerMillisecond);
                return 5;
            case Codec.Aac:
                place[0] = Aac;
                place[1] = 1;
                return 2;
            default:
                place[0] = Mp3(frame.Track);
                return 1;
        }
    }

    /// <summary>Before the track's configuration, which the message carries. 0: it has none, MP3.</summary>
    public static int ConfigurationHead(Track track, Span<byte> place)
    {
        switch (track.Codec)
        {
            case Codec.H264:
                place[..5].Clear();
                place[0] = Key | Avc;
                return 5;
            case Codec.Aac:
                place[0] = Aac;
                place[1] = 0;
                return 2;
            default:
                return 0;
        }
    }

    // 5.5, 11, 22 and 44 kHz; 48 has no number, and goes as 44: decoders read the frame (E.4.2.1).
    private static byte Mp3(Track track)
    {
        const int samplesOf16Bits = 2;
        int rate = track.SampleRate switch { < 8_000 => 0, < 16_000 => 1, < 32_000 => 2, _ => 3 };
        return track.SampleRate == 8_000
            ? (byte)((14 << 4) | samplesOf16Bits | (track.Channels > 1 ? 1 : 0))
            : (byte)((2 << 4) | (rate << 2) | samplesOf16Bits | (track.Channels > 1 ? 1 : 0));
    }

    internal static void UInt24(Span<byte> place, int value)
    {
        place[0] = (byte)(value >> 16);
        place[1] = (byte)(value >> 8);
        place[2] = (byte)value;
    }
}
