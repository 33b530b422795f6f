using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

/// <summary>
/// One rendition's segment, which its parts name while it is being written; whole when it is given out itself. Until then its buffer is the writer's: who
/// wants to read from it longer than a call takes holds it. With the whole segment the writer's hold is the receiver's.
/// </summary>
public sealed class CmafSegment
{
    public required TrackKind Kind { get; init; }

    /// <summary>Another object than the segment's before: another EXT-X-MAP.</summary>
    public required Initialization Initialization { get; init; }

    /// <summary>Its times or parameters do not go on from the one before.</summary>
    public required bool IsDiscontinuity { get; init; }

    /// <summary>Of what is shown first of it.</summary>
    public required DateTimeOffset ProgramDateTime { get; init; }

    /// <summary>tfdt of its first fragment, in the initialization's time scale.</summary>
    public required long Start { get; init; }

    /// <summary>Null: it could not be kept, or nothing came for it (EXT-X-GAP). Parts of it that were given out are their holders'.</summary>
    public SegmentBuffer? Buffer { get; internal set; }

    public bool IsWhole { get; private set; }

    /// <summary>In the initialization's time scale: the sum of its samples, and a hole before, between or behind them.</summary>
    public long Duration { get; private set; }

    /// <summary>Decoding can begin with it.</summary>
    public bool IsIndependent { get; internal set; }

    public int Parts { get; internal set; }

    /// <summary>Of video, its frames.</summary>
    public int Samples { get; internal set; }

    public double Seconds => (double)Duration / Initialization.TimeScale;

    internal void Finish(long duration) => (Duration, IsWhole) = (duration, true);
}
