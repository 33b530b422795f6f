namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// What is purged, or warmed again, in the notation of a link's scope: "/films/" all below it, "/films/movie1*" all that begins so, anything else
/// exactly one path. Always with all queries and variants.
/// </summary>
/// <param name="Path">Decoded; where it is a beginning, of a path.</param>
internal readonly record struct CacheScope(string Path, bool IsBeginning)
{
    public static bool TryParse(string text, out CacheScope scope, out string fault)
    {
        scope = default;
        var isBeginning = text.EndsWith('*') || text.EndsWith('/');
        var plain = text.EndsWith('*') ? text[..^1] : text;
        if (plain.Contains('?', StringComparison.Ordinal))
            fault = "has a query; all queries of a path go together";
        else if (plain.Contains('*', StringComparison.Ordinal))
            fault = "has a * elsewhere than at its end; one that is part of a name is written %2A";
        else if (CachePath.TryParse(plain, out var path, out _, out fault))
        {
            scope = new CacheScope(path, isBeginning);
            return true;
        }
        return false;
    }

    public bool Covers(ReadOnlySpan<char> key)
    {
        if (!key.StartsWith(Path, StringComparison.Ordinal))
            return false;
        return IsBeginning || key.Length == Path.Length || key[Path.Length] == CacheKey.Between;
    }
}
