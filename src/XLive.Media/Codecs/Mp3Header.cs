namespace XLive.Media.Codecs;

/// <summary>The header of an MPEG audio frame, layer III: ISO/IEC 11172-3 2.4.1.3, with the half and quarter rates of 13818-3 and "2.5".</summary>
public static class Mp3Header
{
    private const int Length = 4;

    // By the two bits of the version: 2.5, reserved, 2, 1.
    private static ReadOnlySpan<int> Rates => [11_025, 12_000, 8_000, 0, 0, 0, 22_050, 24_000, 16_000, 44_100, 48_000, 32_000];

    public static bool TryRead(ReadOnlySpan<byte> frame, out Track? track, out string fault)
    {
        track = null;
        fault = frame.Length < Length ? "cut short"
            : frame[0] != 0xFF || (frame[1] & 0xE0) != 0xE0 ? "no synchronisation"
            : Version(frame) == 1 ? "a version that does not exist"
            : (frame[1] & 0x06) != 0x02 ? "not layer III"
            : (frame[2] & 0xF0) == 0xF0 ? "a bit rate that does not exist"
            : (frame[2] & 0x0C) == 0x0C ? "a sampling rate that does not exist"
            : "";
        if (fault.Length > 0)
        {
            fault = "the MP3 frame's header: " + fault;
            return false;
        }
        track = new Track
        {
            Kind = TrackKind.Audio,
            Codec = Codec.Mp3,
            Configuration = ReadOnlyMemory<byte>.Empty,
            // As object type 34 of MPEG-4, which HLS players know; MSE's own mp4a.6B is not in Apple's list (HLS Authoring Specification).
            CodecName = "mp4a.40.34",
            SampleRate = Rates[(Version(frame) * 3) + ((frame[2] >> 2) & 3)],
            Channels = frame[3] >> 6 == 3 ? 1 : 2,
        };
        return true;
    }

    /// <summary>Half the rates have half the samples (13818-3 2.4.2).</summary>
    internal static int SamplesAFrame(int sampleRate) => sampleRate < 32_000 ? 576 : 1152;

    private static int Version(ReadOnlySpan<byte> frame) => (frame[1] >> 3) & 3;
}
