using System.Text;
using XLive.Server.Door;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// A path that an operator or a playlist names, read as a viewer's request for it would be: there is one reading of paths in the house, and
/// what it refuses is kept under no key.
/// </summary>
internal static class CachePath
{
    // No request line that the door takes is longer.
    private const int Longest = 8 * 1024;

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <param name="text">As in a URL; letters beyond ASCII and spaces may stand as they are.</param>
    /// <param name="query">"" or "?" and what is not a viewer's own.</param>
    public static bool TryParse(string text, out string path, out string query, out string fault)
    {
        (path, query) = ("", "");
        if (text.Length > Longest)
            return Refuse($"is longer than {Longest} characters", out fault);
        if (!text.StartsWith('/'))
            return Refuse("does not begin with /", out fault);
        if (!TryEscape(text, out var target))
            return Refuse("is not Unicode", out fault);
        if (!RequestTarget.TryParse(target, out var parsed, out fault))
        {
            // The door's words begin with "the path"; here the path's place in a list stands before them.
            fault = fault.Replace("the path ", "", StringComparison.Ordinal);
            return false;
        }
        if (!parsed.Grant.IsEmpty)
            return Refuse("begins with a viewer's grant; the path behind it is what is kept", out fault);
        path = parsed.Path.ToString();
        query = CacheKey.QueryOf(parsed);
        return true;
    }

    private static bool Refuse(string why, out string fault)
    {
        fault = why;
        return false;
    }

    private static bool TryEscape(string text, out string target)
    {
        target = text;
        if (!text.AsSpan().ContainsAnyExceptInRange('!', '~'))
            return true;
        byte[] bytes;
        try
        {
            bytes = Strict.GetBytes(text);
        }
        catch (EncoderFallbackException)
        {
            return false;
        }
        var escaped = new StringBuilder(bytes.Length + 32);
        foreach (var b in bytes)
        {
            // A control character is escaped too, and refused as such.
            if (b is > 0x20 and < 0x7F)
                escaped.Append((char)b);
            else
                escaped.Append('%').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }
        target = escaped.ToString();
        return true;
    }
}
