using XLive.Server.Storage;
using XLive.Server.Traffic;
using XLive.Server.Traffic.History;
using XLive.Server.Traffic.Quotas;

namespace XLive.Server.Operations.Metrics;

/// <summary>What is charged, and how far it has got on its way to the site.</summary>
internal static class TrafficMetrics
{
    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        var meters = services.GetRequiredService<UserMeters>();
        var (bytes, requests) = meters.Total();
        metrics.Counter("xlive_traffic_bytes_total", "Body bytes that viewers took.", bytes);
        metrics.Counter("xlive_traffic_without_uid_bytes_total", "Of these, bytes of nobody: they are in no report.", meters.Nobody.Account.Bytes);
        metrics.Counter("xlive_traffic_requests_total", "Media requests.", requests);
        metrics.Gauge("xlive_traffic_users", "Users with counters of their own now.", meters.Count);
        metrics.Gauge("xlive_traffic_users_limit", "Users who can have them.", meters.Most);
        if (services.GetService<Ledger>() is not { } ledger)
            return;
        metrics.Counter("xlive_ledger_failures_total", "Cuts of the ledger that the disk refused; they are made again.", ledger.Failures);
        metrics.Gauge("xlive_ledger_difference_bytes", "Bytes by which the books disagree. Anything but 0 is a fault of the server.", ledger.Difference);
        metrics.Gauge("xlive_quota_users_over", "Users who have used their quota up.", services.GetRequiredService<QuotaWatch>().OverCount);
        if (services.GetService<HistoryMover>() is { } mover)
        {
            metrics.Gauge("xlive_history_batches_waiting", "Batches of history that the database has yet to take.", mover.Waiting.Batches);
            metrics.Gauge("xlive_history_waiting_bytes", "Their size.", mover.Waiting.Bytes);
        }
        WriteKept(metrics, ledger, services.GetRequiredService<TimeProvider>());
    }

    /// <summary>What is read from the ledger itself: not there while its disk is not.</summary>
    private static void WriteKept(IMetrics metrics, Ledger ledger, TimeProvider clock)
    {
        OutboxDepth depth;
        TrafficTotals totals;
        try
        {
            (depth, totals) = (ledger.Outbox.Depth(), ledger.Totals());
        }
        catch (DatabaseException)
        {
            metrics.Gauge("xlive_ledger_readable", "0 while the ledger cannot be read.", 0);
            return;
        }
        metrics.Gauge("xlive_ledger_readable", "0 while the ledger cannot be read.", 1);
        metrics.Gauges("xlive_outbox_reports", "Reports that nobody has taken yet.", "state", [("waiting", depth.Waiting), ("parked", depth.Parked)]);
        metrics.Gauge("xlive_outbox_bytes", "Their size.", depth.BodyBytes);
        metrics.Gauge("xlive_outbox_bytes_limit", "Size from which no more reports are cut: users' bytes wait in the ledger then.", Outbox.MostBytes);
        metrics.Gauge("xlive_outbox_oldest_seconds", "Age of the oldest.", depth.Oldest is { } oldest ? Math.Max(0, (clock.GetUtcNow() - oldest).TotalSeconds) : 0);
        metrics.Counter("xlive_reports_sent_total", "Reports taken, of this data directory's life.", totals.ReportsSent, outlives: true);
        metrics.Counter("xlive_reports_failed_total", "Attempts that were not taken, of this data directory's life.", totals.ReportsFailed, outlives: true);
        metrics.Counter("xlive_reported_bytes_total", "Bytes of the reports taken.", totals.BytesReported, outlives: true);
    }
}
