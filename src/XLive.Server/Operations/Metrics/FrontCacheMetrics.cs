using XLive.Server.Playback.FrontCache;

namespace XLive.Server.Operations.Metrics;

/// <summary>Proxy caches in front: what they ask, and what their logs say.</summary>
internal static class FrontCacheMetrics
{
    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        var checks = services.GetRequiredService<CheckAnswers>();
        metrics.Counters("xlive_proxy_checks_total", "Questions of proxies, by the answer.", "answer", [("granted", checks.Granted), ("refused", checks.Refused)]);
        if (services.GetService<ByteLogs>() is not { } logs)
            return;
        metrics.Counters("xlive_proxy_log_lines_total", "Lines of proxies' byte logs: counted, of nobody, with a ticket of another service, malformed.", "kind",
            Enum.GetValues<LineKind>().Select(kind => (kind.ToString().ToLowerInvariant(), (double)logs.Lines(kind))));
        metrics.Counter("xlive_proxy_log_bytes_total", "Body bytes of viewers that were counted by them.", logs.Bytes);
        metrics.Gauge("xlive_proxy_log_unread_bytes", "Bytes of the logs themselves that are not read yet.", logs.Unread);
    }
}
