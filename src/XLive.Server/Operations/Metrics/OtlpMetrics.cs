namespace XLive.Server.Operations.Metrics;

/// <summary>Whether a collector takes these figures.</summary>
internal static class OtlpMetrics
{
    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        var sender = services.GetRequiredService<OtlpSender>();
        metrics.Counters("xlive_otlp_exports_total", "Posts of these figures to telemetry.otlp_endpoint, by what became of them.", "result",
            Enum.GetValues<OtlpEnd>().Select(end => (end.ToString().ToLowerInvariant(), (double)sender.Count(end))));
        metrics.Counter("xlive_otlp_points_rejected_total", "Figures that the collector refused of posts which it took otherwise.", sender.Rejected);
        metrics.Counter("xlive_otlp_left_out_total", "Names for which a post had no room.", sender.LeftOut);
        metrics.Gauge("xlive_otlp_bytes", "Size of the last post before gzip.", sender.Bytes);
        metrics.Gauge("xlive_otlp_bytes_limit", "The most of it.", OtlpMessage.MostBytes);
    }
}
