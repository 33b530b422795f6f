using XLive.Media.Codecs;

namespace XLive.Media.Flv;

/// <summary>
/// What stands before a frame, or a configuration, in a tag's body and in RTMP's audio and video messages: of H.264, AAC and MP3 as everybody knows it, of
/// the others as Enhanced RTMP v2 has it.
/// </summary>
public static class FlvBody
{
    public const int LongestHead = 8;

    private const byte Avc = 7;
    private const byte Key = 1 << 4;
    private const byte Inter = 2 << 4;
    private const byte DisposableInter = 3 << 4;
    private const byte Aac = 0xAF; // whatever the configuration says, "44 kHz, 16 bit, stereo" (E.4.2.1)
    private const byte EnhancedVideo = 0x80;
    private const byte EnhancedAudio = 9 << 4;

    /// <returns>How long it is.</returns>
    public static int Head(in Frame frame, Span<byte> place)
    {
        var codec = frame.Track.Codec;
        int offset = frame.CompositionOffset / Timestamp.PerMillisecond;
        switch (codec)
        {
            case Codec.H264:
                place[0] = (byte)((frame.IsKey ? Key : (frame.Flags & FrameFlags.Disposable) != 0 ? DisposableInter : Inter) | Avc);
                place[1] = 1;
                UInt24(place[2..], offset);
                return 5;
            case Codec.Aac:
                place[0] = Aac;
                place[1] = 1;
                return 2;
            case Codec.Mp3:
                place[0] = Mp3(frame.Track);
                return 1;
            // HEVC that is shown when it is decoded goes without its offset.
            case Codec.Hevc when offset != 0:
                Enhanced(place, (byte)(EnhancedVideo | (frame.IsKey ? Key : Inter) | ExTag.CodedFrames), codec);
                UInt24(place[5..], offset);
                return 8;
            default:
                byte packet = codec == Codec.Hevc ? (byte)ExTag.CodedFramesX : (byte)ExTag.CodedFrames;
                return Enhanced(place, (byte)(frame.Track.IsVideo ? EnhancedVideo | (frame.IsKey ? Key : Inter) | packet : EnhancedAudio | packet), codec);
        }
    }

    /// <summary>Nothing is sent before the first frame of the others: what they are stands in each.</summary>
    public static bool HasConfiguration(Track track) => track.Codec is not (Codec.Mp3 or Codec.Ac3 or Codec.Eac3);

    /// <summary>Before the track's configuration, which the message carries. 0: it has none.</summary>
    public static int ConfigurationHead(Track track, Span<byte> place)
    {
        if (!HasConfiguration(track))
            return 0;
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
                return Enhanced(place, (byte)((track.IsVideo ? EnhancedVideo | Key : EnhancedAudio) | ExTag.SequenceStart), track.Codec);
        }
    }

    /// <summary>Of what was written here: the second byte is 0 before a configuration, or the first says so; MP3 has neither.</summary>
    internal static bool IsConfiguration(ReadOnlySpan<byte> body, bool isVideo)
    {
        if (isVideo ? (body[0] & EnhancedVideo) != 0 : (body[0] & 0xF0) == EnhancedAudio)
            return (body[0] & 0x0F) == ExTag.SequenceStart;
        return body.Length > 1 && body[1] == 0 && (isVideo || body[0] >> 4 == Aac >> 4);
    }

    internal static bool IsKey(byte first) => (first & 0x70) == Key;

    private static int Enhanced(Span<byte> place, byte first, Codec codec)
    {
        place[0] = first;
        FourCc.Of(codec).CopyTo(place[1..]);
        return 5;
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
