using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

public sealed record CmafPresentationOptions
{
    /// <summary>Segments that are listed, at least; Apple asks for six (HLS Authoring Specification 8.11).</summary>
    public int Window { get; init; } = 6;

    /// <summary>Of segments, listed or removed.</summary>
    public long MostBytes { get; init; } = 64 << 20;

    /// <summary>What the multivariant playlist puts before the names; its own for each life of a stream, for what caches hold of a former one is not this one's.</summary>
    public required string BaseUri { get; init; }

    /// <summary>Parts are listed, and playlists and parts that are not there yet can be waited for.</summary>
    public bool IsLowLatency { get; init; } = true;

    /// <summary>Of an event: who begins in its midst has the others' numbers.</summary>
    public EventClock? Clock { get; init; }

    // Skipped is what is six target durations old, the least that may be advertised (bis 4.4.3.8); it must be worth a playlist of another kind.
    internal bool CanSkip => IsLowLatency && Window > 8;
}
