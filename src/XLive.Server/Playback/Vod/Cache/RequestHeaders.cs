using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// Which of a viewer's header fields an origin sees: the end-to-end ones, as of any gateway (RFC 9110 section 7.6.1), so that it can
/// vary by them. Never what says who he is (grants stand in Authorization, cookies, the Referer's URL), what the cache itself asks for,
/// what is CMCD's, or what makes an origin answer another question than the one under which the answer is kept (James Kettle's cache
/// poisoning: X-Forwarded-Host, X-Original-URL and their like).
/// </summary>
internal static class RequestHeaders
{
    // A viewer's header is already bounded by the door; this bounds what is copied for each fetch.
    private const int Most = 32;

    private static readonly FrozenSet<string> Never = FrozenSet.ToFrozenSet(
    [
        "Host", "Authorization", "Proxy-Authorization", "Cookie", "Cookie2", "Referer", "Origin",
        "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings", "Upgrade-Insecure-Requests",
        "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Cache-Control", "Pragma",
        "Accept-Encoding", "Expect", "Early-Data", "Max-Forwards", "Via", "Forwarded", "X-Real-IP", "Client-IP", "True-Client-IP",
        "X-Host", "X-HTTP-Host-Override", "X-Original-URL", "X-Original-Host", "X-Rewrite-URL",
        "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override",
    ], StringComparer.OrdinalIgnoreCase);

    private static readonly string[] NeverBegins = ["X-Forwarded-", "CMCD-", "Content-", "Sec-", "Proxy-", ":"];

    public static bool IsSentOn(string name)
    {
        if (Never.Contains(name))
            return false;
        foreach (var prefix in NeverBegins)
        {
            if (name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
                return false;
        }
        return true;
    }

    public static List<KeyValuePair<string, string>> Of(IHeaderDictionary request)
    {
        var named = request.Connection.ToString();
        var sent = new List<KeyValuePair<string, string>>();
        foreach (var header in request)
        {
            if (sent.Count == Most)
                break;
            if (IsSentOn(header.Key) && !IsNamed(named, header.Key))
                sent.Add(KeyValuePair.Create(header.Key, header.Value.ToString()));
        }
        return sent;
    }

    private static bool IsNamed(string connection, string name)
    {
        foreach (var range in connection.AsSpan().Split(','))
        {
            if (connection.AsSpan()[range].Trim().Equals(name, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }
}
