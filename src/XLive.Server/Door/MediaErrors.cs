using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using XLive.Server.Limits;
using XLive.Server.Sending;

namespace XLive.Server.Door;

/// <summary>Errors of media URLs: the status that the API would give, one line for a person, CORS so that a page's player can read it.</summary>
public static class MediaErrors
{
    public static ValueTask WriteAsync(Exchange exchange, int status, string detail)
    {
        exchange.Status = status;
        WriteHeaders(exchange.Headers, exchange.RequestId);
        var text = $"{status} {ReasonPhrases.GetReasonPhrase(status)}: {detail}\nrequest {exchange.RequestId}\n";
        // Errors are nobody's traffic: no meter.
        return exchange.SendAsync(Body.Of(Encoding.UTF8.GetBytes(text)), null);
    }

    /// <summary>When to come again, and draft-ietf-httpapi-ratelimit-headers-03's three, which programs know.</summary>
    public static void WriteHeaders(IHeaderDictionary headers, in TooMany tooMany)
    {
        var seconds = tooMany.Seconds.ToString(CultureInfo.InvariantCulture);
        headers.RetryAfter = seconds;
        headers["RateLimit-Limit"] = tooMany.Limit.Count.ToString(CultureInfo.InvariantCulture);
        headers["RateLimit-Remaining"] = "0";
        headers["RateLimit-Reset"] = seconds;
    }

    internal static void WriteHeaders(IHeaderDictionary headers, string requestId)
    {
        headers.ContentType = "text/plain; charset=utf-8";
        headers.CacheControl = "no-store";
        headers["X-Request-Id"] = requestId;
        Cors.Apply(headers);
    }
}
