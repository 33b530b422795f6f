using System.Buffers;
using Microsoft.AspNetCore.Http;
using XLive.Server.Door.Tls;
using XLive.Server.Settings;

namespace XLive.Server.Door;

/// <summary>
/// tls.redirect: who came in clear is sent to the same URL over HTTPS. Not health, which balancers ask in clear, nor admin.port, which has
/// no HTTPS of its own; and nobody whose proxy has done the TLS.
/// </summary>
public sealed class HttpsRedirect
{
    private readonly Management _management;
    private volatile Rule? _rule;

    public HttpsRedirect(ServerSettings settings, Management management)
    {
        _management = management;
        _rule = Rule.Of(settings);
        settings.Changed += changed =>
        {
            if (changed.Contains("tls.redirect"))
                _rule = Rule.Of(settings);
        };
    }

    internal bool Applies(Exchange exchange) =>
        _rule is not null && !exchange.IsHttps && !IsHealth(exchange.Target.Path) && !_management.IsOwnPort(exchange);

    internal ValueTask AnswerAsync(Exchange exchange)
    {
        var host = exchange.RequestHeaders.Host.ToString();
        var target = exchange.Target.Raw;
        // A query may hold what no header can.
        if (_rule?.AuthorityFor(host) is not { } authority || target.AsSpan().ContainsAnyExceptInRange('!', '~'))
            return MediaErrors.WriteAsync(exchange, StatusCodes.Status400BadRequest, "this server speaks HTTPS only, and the request does not say where to");
        var reads = exchange.Method == HttpMethods.Get || exchange.IsHead;
        // 301 is what every old player follows; only 308 keeps the method of the others (RFC 9110 section 15.4.9).
        exchange.Status = reads ? StatusCodes.Status301MovedPermanently : StatusCodes.Status308PermanentRedirect;
        exchange.Headers.Location = "https://" + authority + target;
        // A browser keeps a permanent redirect for ever unless told otherwise, and an operator may turn this off again.
        exchange.Headers.CacheControl = "private, max-age=3600";
        exchange.Headers.ContentLength = 0;
        Cors.Apply(exchange.Headers);
        return default;
    }

    private static bool IsHealth(ReadOnlySpan<char> path) =>
        path.StartsWith("/health", StringComparison.Ordinal) && (path.Length == 7 || path[7] == '/');

    /// <param name="Public">The https URLs of server.public_url.</param>
    private sealed record Rule(int Port, Uri[] Public)
    {
        // RFC 3986 lets a host hold more, quotes and commas among it; DNS and addresses do not, and neither shall our header.
        private static readonly SearchValues<char> OfNames =
            SearchValues.Create("-.:[]_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

        public static Rule? Of(ServerSettings settings)
        {
            var tls = settings.Of<TlsOptions>();
            return tls.Redirect ? new Rule(tls.Port, [.. settings.Of<DoorOptions>().HttpsUrls]) : null;
        }

        public string? AuthorityFor(string host)
        {
            var name = NameIn(host);
            if (name.AsSpan().ContainsAnyExcept(OfNames))
                return null;
            // An address before a translation of ports is known to the operator alone; he says it in server.public_url.
            foreach (var url in Public)
            {
                if (string.Equals(url.IdnHost, name.Trim('[', ']'), StringComparison.OrdinalIgnoreCase))
                    return url.Authority;
            }
            if (name.Length > 0)
                return Port == 443 ? name : $"{name}:{Port}";
            return Public.Length > 0 ? Public[0].Authority : null;
        }

        // As it came: HostString would turn xn-- names into Unicode, which no header holds, and throws on those that are none.
        private static string NameIn(string host)
        {
            var end = host.StartsWith('[') ? host.IndexOf(']') + 1 : host.IndexOf(':');
            return end < 0 ? host : host[..end];
        }
    }
}
