using System.Text;
using XLive.Server.Accounts;

namespace XLive.Server.Operations.Metrics;

/// <summary>GET /metrics: what /stats counts, for whoever draws curves and wakes people up. Each figure is in docs/metrics.md.</summary>
internal static class MetricsEndpoint
{
    public static void MapMetrics(this IEndpointRouteBuilder routes)
    {
        var services = routes.ServiceProvider;
        routes.MapMethods("/metrics", [HttpMethods.Get, HttpMethods.Head], async http =>
        {
            var text = new MetricsText();
            ServerMetrics.Write(text, services);
            SessionMetrics.Write(text, services);
            LiveMetrics.Write(text, services);
            TrafficMetrics.Write(text, services);
            HookMetrics.Write(text, services);
            AccountMetrics.Write(text, services);
            FrontCacheMetrics.Write(text, services);
            RedisMetrics.Write(text, services);
            OriginMetrics.Write(text, services);
            CacheMetrics.Write(text, services);
            var body = Encoding.UTF8.GetBytes(text.ToString());
            http.Response.ContentType = MetricsText.ContentType;
            http.Response.Headers.CacheControl = "no-store";
            http.Response.ContentLength = body.Length;
            if (!HttpMethods.IsHead(http.Request.Method))
                await http.Response.Body.WriteAsync(body, http.RequestAborted);
        }).Requires(Permission.Monitor);
    }
}
