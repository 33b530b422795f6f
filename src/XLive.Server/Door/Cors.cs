using Microsoft.AspNetCore.Http;

namespace XLive.Server.Door;

/// <summary>
/// Players in pages of any site: media says * and takes no credentials, so a shared cache needs no Vary. The list of readable headers
/// is what hls.js and Shaka look at.
/// </summary>
public static class Cors
{
    private const string Exposed = "Content-Length, Content-Range, ETag, Date, Age, X-Request-Id";

    public static void Apply(IHeaderDictionary headers)
    {
        headers.AccessControlAllowOrigin = "*";
        headers.AccessControlExposeHeaders = Exposed;
        // Players measure their bandwidth from the resource timing, and pages that isolate themselves load nothing without the second.
        headers["Timing-Allow-Origin"] = "*";
        headers["Cross-Origin-Resource-Policy"] = "cross-origin";
    }

    /// <summary>A preflight is answered before any token is looked at: browsers send none with it.</summary>
    public static ValueTask PreflightAsync(Exchange exchange)
    {
        exchange.Status = StatusCodes.Status204NoContent;
        var headers = exchange.Headers;
        headers.Allow = "GET, HEAD, OPTIONS";
        headers.AccessControlAllowOrigin = "*";
        headers.AccessControlAllowMethods = "GET, HEAD, OPTIONS";
        headers.AccessControlAllowHeaders =
            "Range, If-Range, If-None-Match, If-Modified-Since, Authorization, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status";
        headers.AccessControlMaxAge = "86400";
        return default;
    }
}
