namespace XLive.Media.Fmp4;

/// <summary>moof and the head of mdat of one CMAF chunk (23000-19 7.3.2.3): one track, one run, data in the mdat that follows.</summary>
internal static class MovieFragment
{
    private const uint DefaultBaseIsMoof = 0x020000;
    private const uint DefaultDuration = 0x08;
    private const uint DefaultFlags = 0x20;

    private const uint RunOffset = 0x001;
    private const uint RunDurations = 0x100;
    private const uint RunSizes = 0x200;
    private const uint RunFlags = 0x400;
    private const uint RunCompositionOffsets = 0x800;

    // sample_flags (8.8.3.1): depends on no other; depends on others and is not a sync sample.
    private const uint Sync = 0x0200_0000;
    private const uint NotSync = 0x0101_0000;

    // moof 8, mfhd 16, traf 8, tfhd 16, tfdt 20, trun 20, mdat 8
    private const int VideoHead = 96;
    private const int AudioHead = VideoHead + 8;

    /// <summary>styp with the three brands of a segment, or the one of a chunk that begins it without a key frame.</summary>
    public static int SegmentHead(bool isIndependent) => isIndependent ? 28 : 20;

    public static int Length(bool isVideo, int samples) => isVideo ? VideoHead + (16 * samples) : AudioHead + (4 * samples);

    public static void WriteSegmentHead(Span<byte> output, bool isIndependent)
    {
        var boxes = new BoxWriter(output);
        var type = boxes.Open("styp"u8);
        boxes.Bytes(isIndependent ? "cmfs"u8 : "cmfl"u8);
        boxes.UInt32(0);
        boxes.Bytes(isIndependent ? "cmfscmffcmfl"u8 : "cmfl"u8);
        boxes.Close(type);
    }

    /// <param name="output">As long as <see cref="Length"/> says; the payloads follow.</param>
    public static void Write(Span<byte> output, bool isVideo, uint sequence, ReadOnlySpan<Sample> samples, int payload)
    {
        var boxes = new BoxWriter(output);
        var fragment = boxes.Open("moof"u8);
        var header = boxes.Open("mfhd"u8, 0);
        boxes.UInt32(sequence);
        boxes.Close(header);
        var track = boxes.Open("traf"u8);
        header = boxes.Open("tfhd"u8, 0, DefaultBaseIsMoof | (isVideo ? 0 : DefaultDuration | DefaultFlags));
        boxes.UInt32(Initialization.TrackId);
        if (!isVideo)
        {
            boxes.Int32(samples[0].Duration);
            boxes.UInt32(Sync);
        }
        boxes.Close(header);
        header = boxes.Open("tfdt"u8, 1);
        boxes.UInt64((ulong)samples[0].Decoded);
        boxes.Close(header);
        var run = boxes.Open("trun"u8, 1, RunOffset | RunSizes | (isVideo ? RunDurations | RunFlags | RunCompositionOffsets : 0));
        boxes.Int32(samples.Length);
        boxes.Int32(output.Length);
        foreach (ref readonly var sample in samples)
        {
            if (isVideo)
                boxes.Int32(sample.Duration);
            boxes.Int32(sample.Size);
            if (!isVideo)
                continue;
            boxes.UInt32(sample.IsKey ? Sync : NotSync);
            boxes.Int32(sample.CompositionOffset);
        }
        boxes.Close(run);
        boxes.Close(track);
        boxes.Close(fragment);
        boxes.Int32(payload + 8);
        boxes.Bytes("mdat"u8);
    }
}
