namespace XLive.Server.Playback.Vod.Origin;

/// <summary>
/// What is asked of an origin. <paramref name="Path"/> is the path of RequestTarget, decoded once; it is escaped again for the wire.
/// <paramref name="Query"/> is "" or begins with '?', and holds nothing of the viewer's own.
/// </summary>
internal sealed record OriginRequest(string Path, string Query, OriginKind Kind)
{
    /// <summary>A Range is sent when it is above 0, or <see cref="Last"/> is not -1.</summary>
    public long First { get; init; }

    /// <summary>-1: to the end.</summary>
    public long Last { get; init; } = -1;

    /// <summary>The strong tag of the version wanted, sent as If-Range with a range. Another version is <see cref="OriginFault.Changed"/>.</summary>
    public string? IfMatchTag { get; init; }

    /// <summary>Revalidation: a 304 is an ordinary reply then.</summary>
    public string? IfNoneMatch { get; init; }

    public string? IfModifiedSince { get; init; }

    public bool IsHead { get; init; }

    /// <summary>Further end-to-end headers: those that a Vary names. What is a viewer's secret is not sent, whatever names it.</summary>
    public IReadOnlyList<KeyValuePair<string, string>>? Headers { get; init; }

    public bool HasRange => First > 0 || Last >= 0;

    public bool IsConditional => IfNoneMatch is not null || IfModifiedSince is not null;

    /// <summary>The origin holds it until there is something new (RFC 8216bis, 6.2.5.2): how long it takes says nothing of its health.</summary>
    public bool MayBlock => Query.Contains("_HLS_", StringComparison.Ordinal);
}

/// <summary>Tells HTTP/2 from HTTP/1.1 where backend.http2 is auto, and whether a second request beside a slow one is worth it.</summary>
internal enum OriginKind { Playlist, Small, Media }
