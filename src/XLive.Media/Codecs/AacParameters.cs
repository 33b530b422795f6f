namespace XLive.Media.Codecs;

/// <summary>An AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1), read.</summary>
/// <param name="CoreType">Of the frames themselves: 1 to 4, Main to LTP. SBR and PS lie in their extension payloads.</param>
/// <param name="NamedType">As CODECS names it: 5 with SBR, 29 with PS too.</param>
/// <param name="CoreRateIndex">In table 1.18, at the rate that ADTS tells: half of what is heard with SBR.</param>
/// <param name="ChannelConfiguration">0: as the program config element says.</param>
/// <param name="ElementStart">In bits, where the program config element begins; after it <paramref name="ElementEnd"/>.</param>
internal readonly record struct AacParameters(int CoreType, int NamedType, int CoreRateIndex, int SampleRate, int ChannelConfiguration, int Channels,
    int ElementStart, int ElementEnd)
{
    public const int SamplesAFrame = 1024;

    private const int Sbr = 5;
    private const int Escape = 31;
    private const int ParametricStereo = 29;

    private static ReadOnlySpan<int> Rates => [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

    // Table 1.19; what ADTS has 3 bits for.
    private static ReadOnlySpan<byte> ChannelCounts => [0, 1, 2, 3, 4, 5, 6, 8];

    public int CoreRate => Rates[CoreRateIndex];

    public static bool TryRead(ReadOnlySpan<byte> config, out AacParameters parameters, out string fault)
    {
        parameters = default;
        var bits = new BitReader(config);
        var type = ReadType(ref bits);
        var rate = ReadRate(ref bits);
        var channels = (int)bits.Bits(4);
        var (core, coreRate, named) = (type, rate, type);
        if (type is Sbr or ParametricStereo)
        {
            // Hierarchical: what is heard stands first (1.6.5.2).
            rate = ReadRate(ref bits);
            core = ReadType(ref bits);
        }
        if (bits.HasFailed)
            return Fail("cut short", out fault);
        if (core is < 1 or > 4)
            return Fail($"object type {core}, which ADTS cannot name", out fault);
        var index = Rates.IndexOf(coreRate);
        if (index < 0 || Rates.IndexOf(rate) < 0)
            return Fail($"a sampling rate of {(index < 0 ? coreRate : rate)} Hz, which ADTS cannot name", out fault);

        // GASpecificConfig, table 4.1
        if (bits.Flag())
            return Fail("frames of 960 samples, which ADTS cannot name", out fault);
        if (bits.Flag())
            bits.Skip(14);
        var isExtended = bits.Flag();
        if (bits.HasFailed)
            return Fail("cut short", out fault);
        var (start, end, count) = (0, 0, 0);
        if (channels == 0)
        {
            start = (config.Length * 8) - bits.BitsLeft;
            count = ReadProgramConfig(ref bits);
            end = (config.Length * 8) - bits.BitsLeft;
            if (bits.HasFailed)
                return Fail("cut short", out fault);
            if (count == 0)
                return Fail("no channel", out fault);
        }
        else if (channels >= ChannelCounts.Length)
        {
            return Fail($"channel configuration {channels}, which ADTS cannot name", out fault);
        }
        else
        {
            count = ChannelCounts[channels];
        }
        if (isExtended)
            bits.Skip(1);
        if (core == type && bits.BitsLeft >= 16 && bits.Bits(11) == 0x2B7)
            ReadExtension(ref bits, ref rate, ref named);
        parameters = new(core, named, index, rate, channels, count, start, end);
        fault = "";
        return true;
    }

    /// <summary>Backward compatible signalling (1.6.5.3), behind what old decoders read; encoders pad with what looks like the beginning of it.</summary>
    private static void ReadExtension(ref BitReader bits, ref int rate, ref int named)
    {
        if (ReadType(ref bits) != Sbr || !bits.Flag())
            return;
        var extended = ReadRate(ref bits);
        if (bits.HasFailed || Rates.IndexOf(extended) < 0)
            return;
        (rate, named) = (extended, Sbr);
        if (bits.BitsLeft >= 12 && bits.Bits(11) == 0x548 && bits.Flag())
            named = ParametricStereo;
    }

    private static int ReadType(ref BitReader bits)
    {
        var type = (int)bits.Bits(5);
        return type == Escape ? 32 + (int)bits.Bits(6) : type;
    }

    /// <summary>0 for an index that is reserved.</summary>
    private static int ReadRate(ref BitReader bits)
    {
        var index = (int)bits.Bits(4);
        return index == 15 ? (int)bits.Bits(24) : index < Rates.Length ? Rates[index] : 0;
    }

    /// <summary>program_config_element(), table 4.2: how many channels.</summary>
    private static int ReadProgramConfig(ref BitReader bits)
    {
        bits.Skip(4 + 2 + 4);
        var front = (int)bits.Bits(4);
        var side = (int)bits.Bits(4);
        var back = (int)bits.Bits(4);
        var lowFrequency = (int)bits.Bits(2);
        var data = (int)bits.Bits(3);
        var coupling = (int)bits.Bits(4);
        if (bits.Flag())
            bits.Skip(4);
        if (bits.Flag())
            bits.Skip(4);
        if (bits.Flag())
            bits.Skip(3);
        var channels = lowFrequency;
        for (var i = 0; i < front + side + back; i++)
        {
            channels += bits.Flag() ? 2 : 1;
            bits.Skip(4);
        }
        bits.Skip((lowFrequency * 4) + (data * 4) + (coupling * 5));
        bits.Skip(bits.BitsLeft & 7); // byte_alignment(), counted from the config's beginning
        bits.Skip(8 * (int)bits.Bits(8)); // comment
        return channels;
    }

    private static bool Fail(string what, out string fault)
    {
        fault = "the AudioSpecificConfig: " + what;
        return false;
    }
}
