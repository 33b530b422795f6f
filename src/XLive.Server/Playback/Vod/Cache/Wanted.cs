using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>What one viewer asks for, as far as an origin may know. Outlives his request: a download goes on without him.</summary>
internal sealed class Wanted
{
    public Wanted(string path, string query, IHeaderDictionary request)
    {
        Path = path;
        Query = query;
        Key = CacheKey.Of(path, query);
        Kind = MediaKind.Of(path);
        SentHeaders = RequestHeaders.Of(request);
        // Kestrel uses the dictionary again for the connection's next request.
        var copy = new HeaderDictionary(SentHeaders.Count);
        foreach (var header in SentHeaders)
            copy[header.Key] = header.Value;
        Request = copy;
    }

    public string Path { get; }
    public string Query { get; }
    public string Key { get; }
    public MediaKind Kind { get; }
    public List<KeyValuePair<string, string>> SentHeaders { get; }
    public IHeaderDictionary Request { get; }

    /// <summary>The request had an Authorization that is no grant of ours: its answer is for nobody else, unless the origin says so (RFC 9111 section 3.5).</summary>
    public bool IsAuthorized { get; init; }

    /// <summary>The one range that the viewer asked for, where there is one and nothing hangs on a condition; for replies that are not kept.</summary>
    public long First { get; init; }
    public long Last { get; init; } = -1;

    /// <summary>How often had been purged when he asked: what was asked for before a purge is not kept after it.</summary>
    public int Purges { get; init; }

    public OriginKind OriginKind => Kind.IsPlaylist ? OriginKind.Playlist : Kind.IsSegment ? OriginKind.Media : OriginKind.Small;
}
