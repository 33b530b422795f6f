namespace XLive.Media.Codecs;

/// <summary>The uncompressed header of a VP9 frame (6.2) as far as its size; of a superframe, which begins with its first frame, the first.</summary>
/// <param name="Chroma">As vpcC has it: 1 is 4:2:0, 2 is 4:2:2, 3 is 4:4:4. What follows <paramref name="IsKey"/> is told by keyframes alone.</param>
internal readonly record struct Vp9Header(bool IsKey, int Profile, int BitDepth, int Chroma, bool IsFullRange, int Width, int Height)
{
    // Annex A, level 6.2: the most samples of a picture, and of a side.
    private const long MostSamples = 35_651_584;
    private const int LongestSide = 16_384;

    private const uint FrameMarker = 2;
    private const uint SyncCode = 0x498342;
    private const uint Rgb = 7;

    public static bool TryRead(ReadOnlySpan<byte> frame, out Vp9Header header, out string fault)
    {
        header = default;
        var bits = new BitReader(frame);
        if (bits.Bits(2) != FrameMarker)
            return Fail("no frame marker", out fault);
        var profile = (int)(bits.Bit() | (bits.Bit() << 1));
        if (profile == 3 && bits.Flag())
            return Fail("a profile that does not exist", out fault);
        var (isShownAgain, isInter) = (bits.Flag(), bits.Flag());
        bits.Skip(2); // show_frame, error_resilient_mode
        // What is shown again has three bits in place of these, and is no key either.
        if (isShownAgain || isInter)
        {
            header = new(false, profile, 0, 0, false, 0, 0);
            fault = bits.HasFailed ? "the VP9 frame: cut short" : "";
            return !bits.HasFailed;
        }
        if (bits.Bits(24) != SyncCode)
            return Fail(bits.HasFailed ? "cut short" : "no sync code", out fault);
        var depth = profile < 2 ? 8 : bits.Flag() ? 12 : 10;
        if (!TryReadColours(ref bits, profile, out var chroma, out var isFull))
            return Fail("colours that do not exist, or that MP4 has no name for", out fault);
        var (width, height) = ((int)bits.Bits(16) + 1, (int)bits.Bits(16) + 1);
        if (bits.HasFailed)
            return Fail("cut short", out fault);
        if (width > LongestSide || height > LongestSide || (long)width * height > MostSamples)
            return Fail("a picture larger than level 6.2 allows", out fault);
        header = new(true, profile, depth, chroma, isFull, width, height);
        fault = "";
        return true;
    }

    /// <summary>color_config(), 6.2.2, behind the depth.</summary>
    private static bool TryReadColours(ref BitReader bits, int profile, out int chroma, out bool isFull)
    {
        var isRgb = bits.Bits(3) == Rgb;
        isFull = isRgb || bits.Flag();
        chroma = isRgb ? 3 : 1;
        // Profiles 0 and 2 are 4:2:0, which RGB is not; the others are anything else.
        if ((profile & 1) == 0)
            return !isRgb;
        if (!isRgb)
        {
            var (across, down) = (bits.Flag(), bits.Flag());
            // 4:4:0 has no number in vpcC.
            if (down)
                return false;
            chroma = across ? 2 : 3;
        }
        return !bits.Flag();
    }

    private static bool Fail(string what, out string fault)
    {
        fault = "the VP9 frame: " + what;
        return false;
    }
}
