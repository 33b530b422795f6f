using System.Globalization;
using System.Net;

namespace XLive.Server.Playback.Vod.Origin;

/// <summary>One try of a request, or of its rest.</summary>
/// <param name="Last">-1: to the end.</param>
/// <param name="Tag">Of the version that alone will do.</param>
/// <param name="IsHedge">Beside one that is slow: over another connection, and only where one is free.</param>
internal readonly record struct Asking(OriginRequest Request, long First, long Last, string? Tag, bool IsHedge = false)
{
    public bool HasRange => First > 0 || Last >= 0;

    public static Asking Of(OriginRequest request) => new(request, request.First, request.Last, request.IfMatchTag);
}

internal static class AskingOverWire
{
    public static HttpRequestMessage Write(this OriginAddress address, in Asking asking, OriginOptions options, bool isHttp2, out Asked asked)
    {
        var request = asking.Request;
        var message = new HttpRequestMessage(request.IsHead ? HttpMethod.Head : HttpMethod.Get, address.UriOf(request.Path, request.Query))
        {
            Version = isHttp2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = isHttp2 && options.Http2 == OriginHttp2.Auto ? HttpVersionPolicy.RequestVersionOrLower : HttpVersionPolicy.RequestVersionExact,
        };
        var headers = message.Headers;
        if (!string.IsNullOrEmpty(options.HostHeader))
            headers.Host = options.HostHeader;
        headers.TryAddWithoutValidation("User-Agent", "XLive");
        var anyCoding = false;
        if (request.Headers is { } further)
        {
            for (var i = 0; i < further.Count && i < OriginFields.Most; i++)
            {
                var (name, value) = further[i];
                if (!OriginFields.MayPass(name) || value.AsSpan().ContainsAny('\r', '\n', '\0'))
                    continue;
                if (name.Equals("User-Agent", StringComparison.OrdinalIgnoreCase))
                    headers.Remove("User-Agent");
                headers.TryAddWithoutValidation(name, value);
                anyCoding |= name.Equals("Accept-Encoding", StringComparison.OrdinalIgnoreCase);
            }
        }
        if (!anyCoding)
            headers.TryAddWithoutValidation("Accept-Encoding", "identity");
        foreach (var (name, value) in options.Headers)
        {
            headers.Remove(name);
            headers.TryAddWithoutValidation(name, value);
        }
        if (asking.HasRange)
        {
            headers.TryAddWithoutValidation("Range", asking.Last < 0
                ? string.Create(CultureInfo.InvariantCulture, $"bytes={asking.First}-")
                : string.Create(CultureInfo.InvariantCulture, $"bytes={asking.First}-{asking.Last}"));
            if (asking.Tag is not null)
                headers.TryAddWithoutValidation("If-Range", asking.Tag);
        }
        if (request.IfNoneMatch is { } none)
            headers.TryAddWithoutValidation("If-None-Match", none);
        if (request.IfModifiedSince is { } since)
            headers.TryAddWithoutValidation("If-Modified-Since", since);
        asked = new Asked(asking.First, asking.Last, asking.Tag, request.IsHead, request.IsConditional, anyCoding);
        return message;
    }
}
