namespace XLive.Media.Hls;

public sealed record LivePlaylistOptions
{
    /// <summary>Segments that are listed, at least; Apple asks for six (HLS Authoring Specification 8.11).</summary>
    public int Window { get; init; } = 6;

    /// <summary>Of segments, listed or removed.</summary>
    public long MostBytes { get; init; } = 64 << 20;

    /// <summary>Where the media playlist is, seen from the multivariant one. Never twice the same: what caches hold of a stream's former life is not this one's.</summary>
    public required string MediaUri { get; init; }
}
