using XLive.Media.Hls;

namespace XLive.Server.Playback.Hls;

/// <summary>The window of a stream's segments.</summary>
/// <param name="Durations">In seconds, of those that the playlist lists.</param>
/// <param name="Removed">That can still be fetched.</param>
/// <param name="Bytes">Of all of them, and of the one that is being filled.</param>
/// <param name="GopLength">In ticks, of the last that was whole.</param>
/// <param name="Refused">Frames that no segment could hold.</param>
internal sealed record HlsFigures(IReadOnlyList<double> Durations, int Removed, long Bytes, long MediaSequence, int TargetDuration, long GopLength, long Refused, SegmenterWarnings Warnings)
{
    /// <summary>In seconds; 0: there are no parts.</summary>
    public double PartTarget { get; init; }

    /// <summary>Requests that wait for a part or a segment.</summary>
    public int Blocked { get; init; }
}
