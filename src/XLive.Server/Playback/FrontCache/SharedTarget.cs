using System.Buffers;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Playback.Vod.Cache;

namespace XLive.Server.Playback.FrontCache;

/// <summary>
/// The target that is the same for every viewer of the same bytes: what a proxy asks here for, and keeps the answer under. Without the
/// session's path and the viewer's parameters; of a live stream only with parameters that choose its bytes, in one order, so that nobody
/// can have the proxy ask twice for one part.
/// </summary>
internal static class SharedTarget
{
    // The head of an answer is 4 KiB in nginx unless it is told otherwise.
    public const int Longest = 3072;

    private static readonly string[] LivePlaylist = ["_HLS_msn=", "_HLS_part=", "_HLS_skip=", "container=", "low_latency="];

    private static readonly SearchValues<char> OfQuery =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/?%");

    /// <summary>Null: no header can carry it.</summary>
    /// <param name="hasOrigin">Films may come from an origin, to which their query belongs.</param>
    public static string? Of(in RequestTarget target, LiveApps live, bool hasOrigin)
    {
        string? path = target.Escaped;
        var query = target.Query;
        if (!query.IsEmpty)
        {
            if (live.Holds(target.Path))
                path = target.Path.EndsWith(".m3u8", StringComparison.Ordinal) ? WithDirectives(path, query) : path;
            else if (hasOrigin)
                path += CacheKey.QueryOf(target);
        }
        return path is null || path.Length > Longest || path.AsSpan().ContainsAnyExcept(OfQuery) ? null : path;
    }

    private static string? WithDirectives(string path, ReadOnlySpan<char> query)
    {
        Span<char> kept = stackalloc char[256];
        var length = 0;
        foreach (var name in LivePlaylist)
        {
            foreach (var range in query.Split('&'))
            {
                var field = query[range];
                if (!field.StartsWith(name, StringComparison.Ordinal))
                    continue;
                // Each once, with numbers of 20 digits, they are half of this.
                if (length + 1 + field.Length > kept.Length)
                    return null;
                kept[length] = length == 0 ? '?' : '&';
                length++;
                field.CopyTo(kept[length..]);
                length += field.Length;
            }
        }
        return length == 0 ? path : string.Concat(path, kept[..length]);
    }
}
