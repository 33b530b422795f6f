namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// One version's head as it lies on disk: what the origin said, and when. How long it holds is not written down: that is worked out anew, so rules
/// that a site changes meanwhile count.
/// </summary>
internal sealed record DiskVariant
{
    /// <summary>Names its blocks; drawn at random, so that no two versions ever share it.</summary>
    public required ulong Version { get; init; }
    public required long Length { get; init; }
    public required int Status { get; init; }

    /// <summary>How many purges there had been when it was asked for.</summary>
    public required long Purges { get; init; }

    /// <summary>Unix seconds.</summary>
    public required long AskedAt { get; init; }
    public required long Received { get; init; }
    public required bool IsAuthorized { get; init; }

    /// <summary>Which origin it came from: what its playlist names there comes by us.</summary>
    public required string Origin { get; init; }

    /// <summary>Of the request, only what the response varies by: the rest is the viewer's own business.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> Sent { get; init; }
    public required IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; }

    public static DiskVariant Of(StoredObject kept, ulong version, long purges)
    {
        var head = kept.Head;
        return new DiskVariant
        {
            Version = version, Length = kept.Length, Status = head.Status, Purges = purges, AskedAt = head.AskedAt, Received = head.Received,
            IsAuthorized = head.IsAuthorized, Origin = kept.Origin, Headers = head.Headers,
            Sent = [.. kept.SentHeaders.Where(h => head.VaryNames.Contains(h.Key, StringComparer.OrdinalIgnoreCase))],
        };
    }
}
