using System.Globalization;
using System.Text;

namespace XLive.Media.Codecs;

/// <summary>An HEVC sequence parameter set (ITU-T H.265 7.3.2.2.1), read.</summary>
/// <param name="Profile">general_profile_space, general_tier_flag and general_profile_idc in one byte, as the set and the record have them.</param>
/// <param name="Constraints">The 48 bits from general_progressive_source_flag on.</param>
internal readonly record struct HevcSequence(SequenceParameters Picture, byte Profile, uint Compatibility, ulong Constraints, byte Level, int SubLayers, bool IsNested,
    byte ChromaFormat, byte LumaDepth, byte ChromaDepth)
{
    // Table A.8, level 6.2: MaxLumaPs; and by A.4.1 no side longer than the root of eight times as many.
    private const long MostSamples = 35_651_584;
    private const uint LongestSide = 16_888;

    private const int ProfileBits = 96; // of profile_tier_level() without sub-layers

    /// <summary>ISO/IEC 14496-15 annex E.3: hvc1.1.6.L93.B0.</summary>
    public string Name
    {
        get
        {
            var name = new StringBuilder("hvc1.");
            if (Profile >> 6 is > 0 and var space)
                name.Append((char)('A' + space - 1));
            name.Append(CultureInfo.InvariantCulture, $"{Profile & 0x1F}.{Reversed(Compatibility):X}.{((Profile & 0x20) != 0 ? 'H' : 'L')}{Level}");
            for (var rest = Constraints << 16; rest != 0; rest <<= 8)
                name.Append(CultureInfo.InvariantCulture, $".{rest >> 56:X}");
            return name.ToString();
        }
    }

    public static bool TryRead(ReadOnlySpan<byte> unit, out HevcSequence sequence, out string fault)
    {
        sequence = default;
        var bits = new BitReader(unit, isNalUnit: true);
        bits.Skip(16 + 4);
        var subLayers = (int)bits.Bits(3) + 1;
        var isNested = bits.Flag();
        var profile = (byte)bits.Bits(8);
        var compatibility = bits.Bits(32);
        var constraints = ((ulong)bits.Bits(16) << 32) | bits.Bits(32);
        var level = (byte)bits.Bits(8);
        if (subLayers > 7)
            return Fail("eight sub-layers", out fault);
        SkipSubLayers(ref bits, subLayers - 1);
        bits.Unsigned(); // sps_seq_parameter_set_id
        var chroma = bits.Unsigned();
        if (chroma > 3)
            return Fail("a chroma format that does not exist", out fault);
        if (chroma == 3)
            bits.Skip(1); // separate_colour_plane_flag
        long width = bits.Unsigned(), height = bits.Unsigned();
        if (bits.HasFailed)
            return Fail("cut short", out fault);
        if (width > LongestSide || height > LongestSide || width * height > MostSamples)
            return Fail("a picture larger than level 6.2 allows", out fault);
        if (bits.Flag())
        {
            // 7-55, 7-56: in chroma samples.
            width -= (chroma is 1 or 2 ? 2 : 1) * ((long)bits.Unsigned() + bits.Unsigned());
            height -= (chroma == 1 ? 2 : 1) * ((long)bits.Unsigned() + bits.Unsigned());
        }
        var (luma, colours) = (bits.Unsigned(), bits.Unsigned());
        if (bits.HasFailed)
            return Fail("cut short", out fault);
        if (width <= 0 || height <= 0)
            return Fail("nothing is left of the picture when it is cropped", out fault);
        if (luma > 8 || colours > 8)
            return Fail("a bit depth that does not exist", out fault);

        var (across, down, rate) = ReadUsability(ref bits, subLayers);
        var shown = Math.Round(width * ((double)across / down));
        if (shown is < 1 or > LongestSide)
            (shown, across, down) = (width, 1, 1);
        var picture = new SequenceParameters((int)width, (int)height, (int)shown, (int)height, across, down, rate);
        sequence = new(picture, profile, compatibility, constraints, level, subLayers, isNested, (byte)chroma, (byte)luma, (byte)colours);
        fault = "";
        return true;
    }

    /// <summary>sps_seq_parameter_set_id, which stands behind all profiles and levels.</summary>
    public static bool TryReadId(ReadOnlySpan<byte> unit, out uint id)
    {
        var bits = new BitReader(unit, isNalUnit: true);
        bits.Skip(16 + 4);
        var subLayers = (int)bits.Bits(3);
        bits.Skip(1 + ProfileBits);
        SkipSubLayers(ref bits, subLayers);
        id = bits.Unsigned();
        return !bits.HasFailed;
    }

    private static void SkipSubLayers(ref BitReader bits, int count)
    {
        if (count == 0)
            return;
        var present = bits.Bits(16); // a pair of bits for each of eight
        for (var i = 0; i < count; i++)
        {
            var pair = present >> (14 - (2 * i));
            bits.Skip(((pair & 2) != 0 ? 88 : 0) + ((pair & 1) != 0 ? 8 : 0));
        }
    }

    /// <summary>What comes behind the bit depths, as far as the timing (E.2.1). What cannot be read says nothing, and is no fault: decoders judge it.</summary>
    private static (uint Across, uint Down, double Rate) ReadUsability(ref BitReader bits, int subLayers)
    {
        var orderBits = bits.Unsigned() + 4;
        for (var i = bits.Flag() ? 0 : subLayers - 1; i < subLayers; i++)
        {
            bits.Unsigned();
            bits.Unsigned();
            bits.Unsigned();
        }
        for (var i = 0; i < 6; i++)
            bits.Unsigned(); // sizes of blocks, depths of their trees
        if (bits.Flag() && bits.Flag())
            SkipScalingLists(ref bits);
        bits.Skip(2);
        if (bits.Flag())
        {
            bits.Skip(8);
            bits.Unsigned();
            bits.Unsigned();
            bits.Skip(1);
        }
        if (orderBits > 16 || !SkipReferenceSets(ref bits))
            return (1, 1, 0);
        if (bits.Flag())
        {
            var count = bits.Unsigned();
            if (count > 32)
                return (1, 1, 0);
            bits.Skip((int)(count * (orderBits + 1)));
        }
        bits.Skip(2);
        if (!bits.Flag())
            return (1, 1, 0);
        var (across, down) = SequenceParameters.ReadAppearance(ref bits);
        bits.Skip(3);
        if (bits.Flag())
        {
            for (var i = 0; i < 4; i++)
                bits.Unsigned(); // default_display_window
        }
        double rate = 0;
        if (bits.Flag())
        {
            var units = bits.Bits(32);
            rate = SequenceParameters.RateOf(bits.Bits(32), units);
        }
        return bits.HasFailed ? (1, 1, 0) : (across, down, rate);
    }

    /// <summary>7.3.4</summary>
    private static void SkipScalingLists(ref BitReader bits)
    {
        for (var size = 0; size < 4; size++)
        {
            for (var matrix = 0; matrix < 6 && !bits.HasFailed; matrix += size == 3 ? 3 : 1)
            {
                if (!bits.Flag())
                {
                    bits.Unsigned();
                    continue;
                }
                for (var i = size > 1 ? -1 : 0; i < Math.Min(64, 1 << (4 + (size << 1))) && !bits.HasFailed; i++)
                    bits.Signed();
            }
        }
    }

    /// <summary>st_ref_pic_set() of 7.3.7, as many as there are.</summary>
    private static bool SkipReferenceSets(ref BitReader bits)
    {
        var count = bits.Unsigned();
        if (count > 64)
            return false;
        uint pictures = 0;
        for (var set = 0; set < count && !bits.HasFailed; set++)
        {
            if (set > 0 && bits.Flag())
            {
                // By the set before, which has so many pictures.
                bits.Skip(1);
                bits.Unsigned();
                uint kept = 0;
                for (var i = 0; i <= pictures; i++)
                    kept += bits.Flag() || bits.Flag() ? 1u : 0;
                pictures = kept;
            }
            else
            {
                var (negative, positive) = (bits.Unsigned(), bits.Unsigned());
                if (negative > 16 || positive > 16)
                    return false;
                pictures = negative + positive;
                for (var i = 0; i < pictures; i++)
                {
                    bits.Unsigned();
                    bits.Skip(1);
                }
            }
            if (pictures > 16)
                return false;
        }
        return !bits.HasFailed;
    }

    private static uint Reversed(uint value)
    {
        uint reversed = 0;
        for (var i = 0; i < 32; i++)
            reversed |= ((value >> i) & 1) << (31 - i);
        return reversed;
    }

    private static bool Fail(string what, out string fault)
    {
        fault = "the HEVC sequence parameter set: " + what;
        return false;
    }
}
