namespace XLive.Media.Hls;

public sealed record SegmenterOptions
{
    public double SegmentSeconds { get; init; } = 4;

    /// <summary>The frames' times are an event's: segments end where it says, so that those of all renditions do.</summary>
    public EventClock? Clock { get; init; }
}

/// <summary>What of a publisher's stream makes his viewers' worse.</summary>
[Flags]
public enum SegmenterWarnings
{
    None = 0,

    /// <summary>Key frames further apart than the target duration: segments begin without one.</summary>
    LongGop = 1,

    /// <summary>Audio and video have clocks of their own; audio was moved to where it came.</summary>
    ClocksApart = 2,

    /// <summary>Times that jumped.</summary>
    TimeJump = 4,

    /// <summary>A track that came, went or changed after the first segment.</summary>
    TracksChanged = 8,

    /// <summary>A track that the container has no place for; the others go on without it.</summary>
    TrackRefused = 16,
}
