using System.Buffers;
using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>Which of an origin's header fields are kept and answered with: all that are not XLive's own to say.</summary>
internal static class StoredFields
{
    // Cookies are one viewer's; the rest is said for every response by the door, or follows from the body that is sent.
    private static readonly string[] Dropped =
        [
            "Set-Cookie", "Content-Length", "X-Content-Type-Options", "X-Request-Id", "Timing-Allow-Origin", "Cross-Origin-Resource-Policy",
            "Alt-Svc", "Cache-Status", "Server", "X-Powered-By",
        ];

    // What Kestrel would refuse to send (it throws), or another program might read as two fields.
    private static readonly SearchValues<char> InValue =
        SearchValues.Create(string.Concat(Enumerable.Range(0x20, 0x5F).Select(static c => (char)c)) + "\t");

    public static List<KeyValuePair<string, string>> Of(OriginReply reply)
    {
        var isPart = reply.Status == StatusCodes.Status206PartialContent;
        var kept = new List<KeyValuePair<string, string>>(reply.Headers.Count);
        foreach (var header in reply.Headers)
        {
            if (IsDropped(header.Key) || (isPart && header.Key.Equals("Content-Range", StringComparison.OrdinalIgnoreCase)) || header.Value.AsSpan().ContainsAnyExcept(InValue))
                continue;
            kept.Add(header);
        }
        return kept;
    }

    private static bool IsDropped(string name)
    {
        foreach (var each in Dropped)
        {
            if (name.Equals(each, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return name.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase);
    }
}
