namespace XLive.Media.Codecs;

/// <summary>An AV1 sequence header OBU (5.5), read.</summary>
/// <param name="Head">The second and third byte of the av1C box: profile, level, tier, bit depth, chroma (AV1-ISOBMFF 2.3.3).</param>
internal readonly record struct Av1Sequence(SequenceParameters Picture, int Profile, int Level, bool IsHighTier, int BitDepth, ushort Head)
{
    // Annex A.3, level 6.3: MaxPicSize, and MaxHSize for either side.
    private const long MostSamples = 35_651_584;
    private const uint LongestSide = 16_384;

    private const int Srgb = 13;

    /// <param name="payload">Behind the OBU's header.</param>
    public static bool TryRead(ReadOnlySpan<byte> payload, out Av1Sequence sequence, out string fault)
    {
        sequence = default;
        var bits = new BitReader(payload);
        var profile = bits.Bits(3);
        bits.Skip(1);
        if (bits.Flag())
            return Fail("a still picture", out fault);
        if (profile > 2)
            return Fail($"profile {profile}, which does not exist", out fault);
        var rate = ReadOperation(ref bits, out var level, out var tier);
        var (widthBits, heightBits) = ((int)bits.Bits(4) + 1, (int)bits.Bits(4) + 1);
        long width = bits.Bits(widthBits) + 1L, height = bits.Bits(heightBits) + 1L;
        if (bits.HasFailed)
            return Fail("cut short", out fault);
        if (width > LongestSide || height > LongestSide || width * height > MostSamples)
            return Fail("a picture larger than level 6.3 allows", out fault);
        SkipTools(ref bits);
        var head = ReadColours(ref bits, profile, out var depth);
        if (bits.HasFailed)
            return Fail("cut short", out fault);
        var picture = new SequenceParameters((int)width, (int)height, (int)width, (int)height, 1, 1, rate);
        sequence = new(picture, (int)profile, (int)level, tier != 0, depth, (ushort)((profile << 13) | (level << 8) | (tier << 7) | head));
        fault = "";
        return true;
    }

    /// <summary>As far as the operating points; level and tier are those of the first.</summary>
    /// <returns>Frames a second, or 0.</returns>
    private static double ReadOperation(ref BitReader bits, out uint level, out uint tier)
    {
        double rate = 0;
        var delayBits = 0;
        if (bits.Flag())
        {
            var units = bits.Bits(32);
            var timeScale = bits.Bits(32);
            if (bits.Flag())
                rate = SequenceParameters.RateOf(timeScale, units * (bits.Unsigned() + 1.0));
            if (bits.Flag())
            {
                delayBits = (int)bits.Bits(5) + 1;
                bits.Skip(32 + 5 + 5);
            }
        }
        var hasDisplayDelay = bits.Flag();
        (level, tier) = (0, 0);
        var points = bits.Bits(5);
        for (var i = 0; i <= points && !bits.HasFailed; i++)
        {
            bits.Skip(12);
            var thisLevel = bits.Bits(5);
            var thisTier = thisLevel > 7 ? bits.Bit() : 0;
            if (i == 0)
                (level, tier) = (thisLevel, thisTier);
            if (delayBits > 0 && bits.Flag())
                bits.Skip((2 * delayBits) + 1);
            if (hasDisplayDelay && bits.Flag())
                bits.Skip(4);
        }
        return rate;
    }

    private static void SkipTools(ref BitReader bits)
    {
        if (bits.Flag())
            bits.Skip(4 + 3); // lengths of frame ids
        bits.Skip(3 + 4);
        var hasOrder = bits.Flag();
        if (hasOrder)
            bits.Skip(2);
        // seq_choose_screen_content_tools, or else what is forced; where they are not forbidden the motion vectors likewise.
        if ((bits.Flag() || bits.Flag()) && !bits.Flag())
            bits.Skip(1);
        if (hasOrder)
            bits.Skip(3);
        bits.Skip(3);
    }

    /// <summary>color_config(), 5.5.2.</summary>
    /// <returns>high_bitdepth to chroma_sample_position, as av1C has them.</returns>
    private static uint ReadColours(ref BitReader bits, uint profile, out int depth)
    {
        var high = bits.Bit();
        var twelve = profile == 2 && high != 0 ? bits.Bit() : 0;
        depth = high == 0 ? 8 : twelve == 0 ? 10 : 12;
        var monochrome = profile == 1 ? 0 : bits.Bit();
        uint primaries = 2, transfer = 2, matrix = 2;
        if (bits.Flag())
            (primaries, transfer, matrix) = (bits.Bits(8), bits.Bits(8), bits.Bits(8));
        uint across = 1, down = 1, position = 0;
        if (monochrome != 0)
        {
            bits.Skip(1);
        }
        else if (primaries == 1 && transfer == Srgb && matrix == 0)
        {
            (across, down) = (0, 0);
        }
        else
        {
            bits.Skip(1);
            if (profile == 1)
                (across, down) = (0, 0);
            else if (profile == 2 && depth < 12)
                down = 0;
            else if (profile == 2)
                down = (across = bits.Bit()) != 0 ? bits.Bit() : 0;
            if (across != 0 && down != 0)
                position = bits.Bits(2);
        }
        if (monochrome == 0)
            bits.Skip(1);
        bits.Skip(1); // film_grain_params_present
        return (high << 6) | (twelve << 5) | (monochrome << 4) | (across << 3) | (down << 2) | position;
    }

    private static bool Fail(string what, out string fault)
    {
        fault = "the AV1 sequence header: " + what;
        return false;
    }
}
