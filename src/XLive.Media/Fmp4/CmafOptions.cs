using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

public sealed record CmafOptions
{
    /// <summary>About so long is a part; how long in truth is a whole number of frames.</summary>
    public double PartSeconds { get; init; } = 0.5;

    /// <summary>Of one segment, all its renditions together, and what is not in them yet. A rendition that needs more has a gap there.</summary>
    public int MostBytes { get; init; } = 64 << 20;

    /// <summary>The part target is one for all renditions of an event.</summary>
    public EventClock? Clock { get; init; }
}
