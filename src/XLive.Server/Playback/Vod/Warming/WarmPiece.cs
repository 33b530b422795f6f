using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Cache;

namespace XLive.Server.Playback.Vod.Warming;

/// <summary>One thing to warm.</summary>
/// <param name="Kept">What is there of it, to be asked about however fresh it is.</param>
internal readonly record struct WarmPiece(string Path, string Query, StoredObject? Kept = null)
{
    public Wanted WantedNow(OriginCache cache)
    {
        var request = new HeaderDictionary();
        foreach (var header in Kept?.SentHeaders ?? [])
            request[header.Key] = header.Value;
        return new Wanted(Path, Query, request) { Purges = cache.Purges };
    }

    public static bool TryParse(string text, out WarmPiece piece, out string fault)
    {
        piece = default;
        if (!CachePath.TryParse(text, out var path, out var query, out fault))
            return false;
        piece = new WarmPiece(path, query);
        return true;
    }
}
