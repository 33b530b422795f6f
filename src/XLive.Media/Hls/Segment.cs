namespace XLive.Media.Hls;

/// <summary>A finished piece of a live stream. Whoever was given it holds its buffer.</summary>
public sealed class Segment
{
    public required SegmentBuffer Buffer { get; init; }

    /// <summary>Of decoding, of its first frame.</summary>
    public required Timestamp Start { get; init; }

    /// <summary>In ticks. Where the next one follows without a discontinuity, it begins when this ends.</summary>
    public required long Duration { get; init; }

    public required DateTimeOffset ProgramDateTime { get; init; }

    /// <summary>Its times, tracks or parameters do not go on from the one before.</summary>
    public required bool IsDiscontinuity { get; init; }

    /// <summary>Decoding can begin with it.</summary>
    public required bool IsIndependent { get; init; }

    public Track? Video { get; init; }
    public Track? Audio { get; init; }
    public int VideoFrames { get; init; }

    public Timestamp End => Start + Duration;
    public double Seconds => (double)Duration / Timestamp.PerSecond;
}
