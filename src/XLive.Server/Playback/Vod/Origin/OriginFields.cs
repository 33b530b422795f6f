using System.Buffers;
using System.Collections.Frozen;
using System.Net.Http.Headers;

namespace XLive.Server.Playback.Vod.Origin;

/// <summary>Which header fields cross between the server and an origin, and in which direction.</summary>
internal static class OriginFields
{
    /// <summary>Kept of an answer, and sent with a request, at most. A film's answer has a dozen.</summary>
    public const int Most = 128;

    /// <summary>All names and values of an answer; the size is nginx's limit for what it accepts (large_client_header_buffers, 4 of 8k).</summary>
    public const int MostKiB = 32;

    private static readonly SearchValues<char> s_token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    // RFC 9110, 7.6.1, and what older proxies add to the list.
    private static readonly FrozenSet<string> s_hopByHop = Names(
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "HTTP2-Settings");

    // They frame the message, choose a part of the file, or are a condition: OriginRequest has members for those.
    private static readonly FrozenSet<string> s_ours = Names(
        "Host", "Content-Length", "Expect", "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since");

    // A viewer's secrets and whereabouts, whatever a Vary says: a Referer is the page's URL, and holds a link's token where that was opened.
    private static readonly FrozenSet<string> s_private = Names(
        "Authorization", "Cookie", "Cookie2", "Referer", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via");

    public static bool IsHopByHop(string name) => s_hopByHop.Contains(name);

    /// <summary>Whether a viewer's header may go on where a Vary names it.</summary>
    public static bool MayPass(string name) =>
        IsToken(name) && !s_hopByHop.Contains(name) && !s_ours.Contains(name) && !s_private.Contains(name)
        && !name.StartsWith("Proxy-", StringComparison.OrdinalIgnoreCase);

    /// <summary>Why backend.headers cannot hold it; null when it can. It never repeats the value, which is often a secret.</summary>
    public static string? WhyNotOwn(string name, string value)
    {
        if (!IsToken(name))
            return "has a name that no header can have";
        if (s_hopByHop.Contains(name))
            return $"{name} belongs to one connection, not to a request";
        if (name.Equals("Host", StringComparison.OrdinalIgnoreCase))
            return "Host is backend.host_header";
        if (s_ours.Contains(name) || name.Equals("Accept-Encoding", StringComparison.OrdinalIgnoreCase))
            return $"{name} is written for each request anew";
        return value.All(static c => c is '\t' or (>= ' ' and not (char)0x7F and < (char)0x100)) ? null : $"{name} has a value that no header can have";
    }

    /// <summary>The end-to-end ones of an answer; null when there are too many.</summary>
    public static List<KeyValuePair<string, string>>? EndToEnd(HttpResponseMessage response)
    {
        List<string>? named = null;
        if (response.Headers.NonValidated.TryGetValues("Connection", out var connection))
        {
            foreach (var value in connection)
                (named ??= []).AddRange(value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        }
        var kept = new List<KeyValuePair<string, string>>(16);
        return Keep(response.Headers.NonValidated, named, kept) && Keep(response.Content.Headers.NonValidated, named, kept) ? kept : null;
    }

    private static bool Keep(HttpHeadersNonValidated from, List<string>? named, List<KeyValuePair<string, string>> kept)
    {
        foreach (var (name, values) in from)
        {
            if (s_hopByHop.Contains(name) || named?.Contains(name, StringComparer.OrdinalIgnoreCase) == true)
                continue;
            foreach (var value in values)
            {
                if (kept.Count == Most)
                    return false;
                kept.Add(new(name, value));
            }
        }
        return true;
    }

    private static bool IsToken(string name) => name.Length is > 0 and <= 256 && !name.AsSpan().ContainsAnyExcept(s_token);

    private static FrozenSet<string> Names(params string[] names) => names.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
}
