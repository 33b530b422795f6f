namespace XLive.Media.Fmp4;

/// <summary>A piece of a segment that can be fetched before the rest of it is there: one CMAF chunk, or several where time has a hole. It never changes.</summary>
public sealed class CmafPart
{
    public required CmafSegment Segment { get; init; }

    /// <summary>In the segment, from 0.</summary>
    public required int Number { get; init; }

    /// <summary>In the segment's buffer.</summary>
    public required int Offset { get; init; }

    public required int Length { get; init; }

    /// <summary>In the initialization's time scale.</summary>
    public required long Duration { get; init; }

    /// <summary>A key frame is in it. Of audio, always.</summary>
    public required bool IsIndependent { get; init; }

    public double Seconds => (double)Duration / Segment.Initialization.TimeScale;
}
