namespace XLive.Media.Codecs;

/// <summary>What is told about the picture before the first: by H.264's sequence parameter set (7.3.2.1.1), which is read here, by HEVC's, by AV1's sequence header.</summary>
internal readonly record struct SequenceParameters(int Width, int Height, int ShownWidth, int ShownHeight, uint AspectAcross, uint AspectDown, double FrameRate)
{
    // Table A-1, level 6.2, the highest there is: so many macroblocks, and by A.3.1 no side longer than the root of eight times as many.
    private const uint MostMacroblocks = 139_264;
    private const uint LongestSide = 1_055;

    // Table E-1, aspect_ratio_idc 1 to 16, in pairs.
    private static ReadOnlySpan<byte> AspectRatios =>
        [1, 1, 12, 11, 10, 11, 16, 11, 40, 33, 24, 11, 20, 11, 32, 11, 80, 33, 18, 11, 15, 11, 64, 33, 160, 99, 4, 3, 3, 2, 2, 1];

    public static bool TryRead(ReadOnlySpan<byte> unit, out SequenceParameters parameters, out string fault)
    {
        parameters = default;
        var bits = new BitReader(unit, isNalUnit: true);
        bits.Skip(8);
        var profile = bits.Bits(8);
        bits.Skip(16);
        bits.Unsigned(); // seq_parameter_set_id
        uint chromaFormat = 1;
        var separatePlanes = false;
        if (profile is 100 or 110 or 122 or 244 or 44 or 83 or 86 or 118 or 128 or 138 or 139 or 134 or 135)
        {
            chromaFormat = bits.Unsigned();
            if (chromaFormat > 3)
                return Fail("a chroma format that does not exist", out fault);
            separatePlanes = chromaFormat == 3 && bits.Flag();
            bits.Unsigned(); // bit_depth_luma_minus8
            bits.Unsigned(); // bit_depth_chroma_minus8
            bits.Skip(1);
            if (bits.Flag())
                SkipScalingLists(ref bits, chromaFormat == 3 ? 12 : 8);
        }
        bits.Unsigned(); // log2_max_frame_num_minus4
        var orderType = bits.Unsigned();
        if (orderType == 0)
        {
            bits.Unsigned();
        }
        else if (orderType == 1)
        {
            bits.Skip(1);
            bits.Signed();
            bits.Signed();
            var cycle = bits.Unsigned();
            if (cycle > 255)
                return Fail("a picture order that does not exist", out fault);
            for (; cycle > 0; cycle--)
                bits.Signed();
        }
        bits.Unsigned(); // max_num_ref_frames
        bits.Skip(1);
        var columns = bits.Unsigned();
        var rows = bits.Unsigned();
        var framesOnly = bits.Flag();
        if (bits.HasFailed || columns >= LongestSide || rows >= LongestSide)
            return Fail(bits.HasFailed ? "cut short" : "a picture larger than level 6.2 allows", out fault);
        columns++;
        rows = (rows + 1) * (framesOnly ? 1u : 2u);
        if (rows > LongestSide || columns * rows > MostMacroblocks)
            return Fail("a picture larger than level 6.2 allows", out fault);
        if (!framesOnly)
            bits.Skip(1);
        bits.Skip(1);

        long width = columns * 16, height = rows * 16;
        if (bits.Flag())
        {
            // 7-19 to 7-22: in chroma samples, and of fields two rows at a time.
            uint across = chromaFormat is 1 or 2 && !separatePlanes ? 2u : 1u;
            uint down = (chromaFormat == 1 && !separatePlanes ? 2u : 1u) * (framesOnly ? 1u : 2u);
            width -= across * ((long)bits.Unsigned() + bits.Unsigned());
            height -= down * ((long)bits.Unsigned() + bits.Unsigned());
        }
        var hasUsability = bits.Flag();
        if (bits.HasFailed)
            return Fail("cut short", out fault);
        if (width <= 0 || height <= 0)
            return Fail("nothing is left of the picture when it is cropped", out fault);

        var (aspectAcross, aspectDown, rate) = hasUsability ? ReadUsability(ref bits) : (1, 1, 0);
        // A ratio that makes a strip of the picture is a field filled with rubbish.
        var shown = Math.Round(width * ((double)aspectAcross / aspectDown));
        if (shown is < 1 or > LongestSide * 16)
            shown = width;
        parameters = new((int)width, (int)height, (int)shown, (int)height, aspectAcross, aspectDown, rate);
        fault = "";
        return true;
    }

    /// <summary>
    /// vui_parameters() as far as the timing, E.1.1. Cameras write it wrong, and decoders play them: what runs out of bits says nothing, and is no fault.
    /// </summary>
    private static (uint Across, uint Down, double Rate) ReadUsability(ref BitReader bits)
    {
        var (aspectAcross, aspectDown) = ReadAppearance(ref bits);
        double rate = 0;
        if (bits.Flag())
        {
            var unitsInTick = bits.Bits(32);
            var timeScale = bits.Bits(32);
            // A tick is a field's, D.2.1: two make a frame.
            rate = RateOf(timeScale, 2.0 * unitsInTick);
        }
        return bits.HasFailed ? (1, 1, 0) : (aspectAcross, aspectDown, rate);
    }

    /// <summary>The beginning of vui_parameters(), which HEVC has too (E.2.1): the sample's aspect ratio, and colours.</summary>
    public static (uint Across, uint Down) ReadAppearance(ref BitReader bits)
    {
        uint aspectAcross = 1, aspectDown = 1;
        if (bits.Flag())
        {
            var index = bits.Bits(8);
            uint across = 0, down = 0;
            if (index == 255)
                (across, down) = (bits.Bits(16), bits.Bits(16));
            else if (index is >= 1 and <= 16)
                (across, down) = (AspectRatios[((int)index * 2) - 2], AspectRatios[((int)index * 2) - 1]);
            if (across > 0 && down > 0)
                (aspectAcross, aspectDown) = (across, down);
        }
        if (bits.Flag())
            bits.Skip(1); // overscan_appropriate_flag
        if (bits.Flag())
        {
            bits.Skip(4);
            if (bits.Flag())
                bits.Skip(24);
        }
        if (bits.Flag())
        {
            bits.Unsigned();
            bits.Unsigned();
        }
        return (aspectAcross, aspectDown);
    }

    /// <summary>Beyond 300 it is a time base, not a rate.</summary>
    public static double RateOf(double timeScale, double units) => units > 0 && timeScale / units is >= 1 and <= 300 and var rate ? rate : 0;

    private static void SkipScalingLists(ref BitReader bits, int count)
    {
        for (var list = 0; list < count; list++)
        {
            if (!bits.Flag())
                continue;
            int last = 8, next = 8;
            for (var i = 0; i < (list < 6 ? 16 : 64) && !bits.HasFailed; i++)
            {
                if (next != 0)
                    next = (last + bits.Signed()) & 0xFF;
                last = next == 0 ? last : next;
            }
        }
    }

    private static bool Fail(string what, out string fault)
    {
        fault = "the sequence parameter set: " + what;
        return false;
    }
}
