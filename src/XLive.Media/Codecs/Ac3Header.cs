namespace XLive.Media.Codecs;

/// <summary>
/// The beginning of an AC-3 or E-AC-3 syncframe (ETSI TS 102 366 4.3, E.1.2), which is all the configuration there is. A message is one frame of six blocks:
/// what MP4 takes (F.3, F.5); dependent substreams, which make more than 5.1 channels, are refused.
/// </summary>
public static class Ac3Header
{
    public const int SamplesAFrame = 1536;

    private const int Shortest = 8;
    private const int LastAc3 = 8; // bsid
    private const int FirstEac3 = 11;
    private const int LastEac3 = 16;

    private static ReadOnlySpan<int> Rates => [48_000, 44_100, 32_000];

    // In kbit/s, by frmsizecod / 2 (table 4.13).
    private static ReadOnlySpan<short> BitRates => [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];

    // By acmod, table 4.3.
    private static ReadOnlySpan<byte> ChannelCounts => [2, 1, 2, 3, 3, 4, 4, 5];

    /// <param name="isEnhanced">E-AC-3.</param>
    /// <param name="track">Its configuration is the body of the dac3 or dec3 box (F.4, F.6).</param>
    public static bool TryRead(ReadOnlySpan<byte> frame, bool isEnhanced, out Track? track, out string fault)
    {
        track = null;
        if (!TryReadHeader(frame, isEnhanced, out var header, out fault))
            return false;
        var box = new byte[isEnhanced ? 5 : 3];
        if (isEnhanced)
        {
            // data_rate in kbit/s, one independent substream, none that depends on it
            var rate = (int)((long)frame.Length * 8 * Rates[header.RateCode] / SamplesAFrame / 1000);
            (box[0], box[1]) = ((byte)(rate >> 5), (byte)(rate << 3));
            (box[2], box[3]) = ((byte)((header.RateCode << 6) | (header.Version << 1)), (byte)((header.Mode << 1) | header.LowFrequency));
        }
        else
        {
            var value = (header.RateCode << 22) | (header.Version << 17) | (header.Service << 14) | (header.Mode << 11) | (header.LowFrequency << 10) | (header.BitRateCode << 5);
            (box[0], box[1], box[2]) = ((byte)(value >> 16), (byte)(value >> 8), (byte)value);
        }
        track = new Track
        {
            Kind = TrackKind.Audio,
            Codec = isEnhanced ? Codec.Eac3 : Codec.Ac3,
            Configuration = box,
            CodecName = isEnhanced ? "ec-3" : "ac-3",
            SampleRate = Rates[header.RateCode],
            Channels = ChannelCounts[header.Mode] + header.LowFrequency,
        };
        return true;
    }

    /// <summary>It is a whole frame of a track that such a frame made.</summary>
    internal static bool IsOf(Track track, ReadOnlySpan<byte> frame)
    {
        var isEnhanced = track.Codec == Codec.Eac3;
        return (track.Codec == Codec.Ac3 || isEnhanced) && TryReadHeader(frame, isEnhanced, out var header, out _)
            && Rates[header.RateCode] == track.SampleRate && Same(track, header, isEnhanced);
    }

    // But for the bit rate, which may change from frame to frame.
    private static bool Same(Track track, in Header header, bool isEnhanced)
    {
        var box = track.Configuration.Span;
        var (version, mode, low) = isEnhanced
            ? ((box[2] >> 1) & 31, (box[3] >> 1) & 7, box[3] & 1)
            : ((box[0] >> 1) & 31, (box[1] >> 3) & 7, (box[1] >> 2) & 1);
        return (version, mode, low) == (header.Version, header.Mode, header.LowFrequency);
    }

    private readonly record struct Header(int RateCode, int Version, int Service, int Mode, int LowFrequency, int BitRateCode);

    private static bool TryReadHeader(ReadOnlySpan<byte> frame, bool isEnhanced, out Header header, out string fault)
    {
        header = default;
        if (frame.Length < Shortest || frame[0] != 0x0B || frame[1] != 0x77)
            return Fail(frame.Length < Shortest ? "cut short" : "no synchronisation", isEnhanced, out fault);
        var version = frame[5] >> 3;
        if (isEnhanced ? version is < FirstEac3 or > LastEac3 : version > LastAc3)
            return Fail($"bit stream {version}, which is none of it", isEnhanced, out fault);
        return isEnhanced ? TryReadEnhanced(frame, version, out header, out fault) : TryReadPlain(frame, version, out header, out fault);
    }

    private static bool TryReadPlain(ReadOnlySpan<byte> frame, int version, out Header header, out string fault)
    {
        header = default;
        var bits = new BitReader(frame[4..]);
        var (rate, size) = ((int)bits.Bits(2), (int)bits.Bits(6));
        bits.Skip(5);
        var (service, mode) = ((int)bits.Bits(3), (int)bits.Bits(3));
        if (rate == 3 || size >= 2 * BitRates.Length)
            return Fail("a sampling rate or a size that does not exist", false, out fault);
        int kilobits = BitRates[size / 2];
        var words = rate switch { 0 => 2 * kilobits, 1 => (320 * kilobits / 147) + (size & 1), _ => 3 * kilobits };
        if (frame.Length != 2 * words)
            return Fail($"{frame.Length} bytes, where one of {2 * words} is told", false, out fault);
        // Levels of what is mixed to two channels, or whether it was made of more.
        bits.Skip(mode == 2 ? 2 : ((mode & 1) != 0 && mode != 1 ? 2 : 0) + ((mode & 4) != 0 ? 2 : 0));
        header = new(rate, version, service, mode, (int)bits.Bit(), size / 2);
        fault = "";
        return true;
    }

    private static bool TryReadEnhanced(ReadOnlySpan<byte> frame, int version, out Header header, out string fault)
    {
        header = default;
        var bits = new BitReader(frame[2..]);
        var kind = bits.Bits(2);
        bits.Skip(3);
        var bytes = 2 * ((int)bits.Bits(11) + 1);
        var (rate, blocks) = ((int)bits.Bits(2), (int)bits.Bits(2));
        if (kind == 1 || bytes < frame.Length)
            return Fail("several substreams", true, out fault);
        if (bytes != frame.Length)
            return Fail("cut short", true, out fault);
        if (rate == 3 || blocks != 3)
            return Fail("frames of fewer than six blocks", true, out fault);
        header = new(rate, version, 0, (int)bits.Bits(3), (int)bits.Bit(), 0);
        fault = "";
        return true;
    }

    private static bool Fail(string what, bool isEnhanced, out string fault)
    {
        fault = (isEnhanced ? "the E-AC-3 frame's header: " : "the AC-3 frame's header: ") + what;
        return false;
    }
}
