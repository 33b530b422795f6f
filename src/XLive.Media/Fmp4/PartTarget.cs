namespace XLive.Media.Fmp4;

/// <summary>
/// PART-TARGET, found once from a whole segment: a number of frames near what is wanted, of which no part is longer and none but a segment's last is
/// shorter than 85 % (bis 4.4.4.9). Also the audio's frames must fill 85 % of it, or it is a frame of video longer.
/// </summary>
internal static class PartTarget
{
    // Milliseconds of RTMP make the same number of frames a little longer now and then; and where a part was given out with its last picture, the one after
    // it begins up to a step's rounding before its first.
    private const long Rounding = 2 * Timestamp.PerMillisecond;

    /// <param name="frames">Of the first segment; empty, and audio counts alone.</param>
    /// <param name="audioFrame">In ticks; 0: there is none.</param>
    /// <returns>In ticks; 0: nothing can be told yet.</returns>
    public static long Of(ReadOnlySpan<Sample> frames, double audioFrame, double wanted)
    {
        var frame = frames.IsEmpty ? audioFrame : FrameOf(frames);
        if (frame <= 0)
            return 0;
        var first = Math.Max(1, (int)Math.Round(wanted / frame));
        for (var count = first; !frames.IsEmpty && audioFrame > 0 && count * frame < 2 * wanted; count++)
        {
            var target = Longest(count, frame);
            if (Math.Floor(target / audioFrame) * audioFrame >= 0.85 * target)
                return target;
        }
        return frames.IsEmpty ? (long)Math.Ceiling(first * frame) : Longest(first, frame);
    }

    /// <summary>The mean of those that are near the median: a source that stood still for a second has the rate it had before.</summary>
    private static double FrameOf(ReadOnlySpan<Sample> frames)
    {
        var durations = new int[frames.Length];
        for (var i = 0; i < frames.Length; i++)
            durations[i] = frames[i].Duration;
        Array.Sort(durations);
        var median = durations[durations.Length / 2];
        var (sum, count) = (0L, 0);
        foreach (var duration in durations)
        {
            if (Math.Abs(duration - median) <= median / 4)
                (sum, count) = (sum + duration, count + 1);
        }
        return (double)sum / count;
    }

    private static long Longest(int count, double frame) => (long)Math.Ceiling(count * frame) + Rounding;
}
