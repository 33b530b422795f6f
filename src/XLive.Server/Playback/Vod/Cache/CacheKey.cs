using System.Text;
using XLive.Server.Door;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// Under what something is kept, and what of the query an origin sees: the path, and those parameters that are not the viewer's. Grants
/// and CMCD (CTA-5004) would make a copy for each viewer, and must not reach an origin.
/// </summary>
internal static class CacheKey
{
    private static readonly string[] OfViewer = ["uid", "expires", "token", "kid", "scope", "access_token", "CMCD"];

    /// <summary>Between path and query: a path may have a question mark of its own, once it is decoded, but no line's end.</summary>
    public const char Between = '\n';

    public static string Of(ReadOnlySpan<char> path, ReadOnlySpan<char> query) => query.IsEmpty ? path.ToString() : string.Concat(path, [Between], query);

    /// <summary>"" or "?" and the rest of the query as it came.</summary>
    public static string QueryOf(in RequestTarget target)
    {
        var query = target.Query;
        if (query.IsEmpty)
            return "";
        StringBuilder? kept = null;
        foreach (var range in query.Split('&'))
        {
            var field = query[range];
            if (field.IsEmpty || IsOfViewer(field))
                continue;
            kept ??= new StringBuilder(query.Length + 1);
            kept.Append(kept.Length == 0 ? '?' : '&').Append(field);
        }
        return kept?.ToString() ?? "";
    }

    private static bool IsOfViewer(ReadOnlySpan<char> field)
    {
        var equals = field.IndexOf('=');
        var name = equals < 0 ? field : field[..equals];
        // A name may be escaped: the gate reads it so, and so must this.
        if (name.Contains('%'))
            name = Uri.UnescapeDataString(name.ToString());
        foreach (var each in OfViewer)
        {
            if (name.SequenceEqual(each))
                return true;
        }
        return false;
    }
}
