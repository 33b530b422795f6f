using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace XLive.Server.Door;

/// <summary>
/// Where a message ends must be read in one way by everyone on its path, or the rest of one viewer's request becomes the beginning
/// of another's (CVE-2022-23959, CVE-2025-4366). Kestrel refuses most; this refuses what it mends instead.
/// </summary>
internal static class MessageFraming
{
    /// <summary>Zero when nothing is wrong, or the status. With 1 the stream is to be reset: in HTTP/2 such a message is malformed.</summary>
    public static int Refuses(Exchange exchange, out string why)
    {
        why = "";
        var headers = exchange.RequestHeaders;
        if (HttpProtocol.IsHttp2(exchange.Protocol))
            return HasConnectionFields(headers) ? Reset : 0;
        var codings = headers.TransferEncoding;
        if (codings.Count == 0)
            return 0;
        if (HttpProtocol.IsHttp10(exchange.Protocol))
        {
            // RFC 9112 section 6.1: faulty framing, whatever else it says.
            why = "HTTP/1.0 has no Transfer-Encoding";
            return StatusCodes.Status400BadRequest;
        }
        // Kestrel's name for a Content-Length beside chunked, which section 6.3 lets a server refuse.
        if (headers.ContainsKey(StrictLength.MovedLength))
        {
            why = "Content-Length and Transfer-Encoding together";
            return StatusCodes.Status400BadRequest;
        }
        if (codings.Count == 1 && string.Equals(codings[0], "chunked", StringComparison.OrdinalIgnoreCase))
            return 0;
        // Kestrel has refused all that does not end in chunked. What stands before it we cannot undo (section 6.1: 501), or it is
        // chunked once more or an empty element, which some read and some do not.
        why = "Transfer-Encoding may say chunked, once";
        return KnowsAllOf(codings.ToString()) ? StatusCodes.Status400BadRequest : StatusCodes.Status501NotImplemented;
    }

    public const int Reset = 1;

    private static bool KnowsAllOf(ReadOnlySpan<char> codings)
    {
        foreach (var part in codings.Split(','))
        {
            var coding = codings[part].Trim(" \t");
            if (!coding.IsEmpty && !coding.Equals("chunked", StringComparison.OrdinalIgnoreCase))
                return false;
        }
        return true;
    }

    // RFC 9113 section 8.2.2; Connection itself and TE Kestrel has looked at.
    private static bool HasConnectionFields(IHeaderDictionary headers) =>
        headers.TransferEncoding.Count > 0 || headers.Upgrade.Count > 0 || headers.KeepAlive.Count > 0
        || headers.ContainsKey("Proxy-Connection");

    public static void ResetStream(Exchange exchange)
    {
        const int protocolError = 1;
        exchange.Features.Get<IHttpResetFeature>()?.Reset(protocolError);
    }
}
