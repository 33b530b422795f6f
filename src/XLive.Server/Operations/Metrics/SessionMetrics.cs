using XLive.Server.Sessions;

namespace XLive.Server.Operations.Metrics;

/// <summary>The viewers, and the store that remembers them.</summary>
internal static class SessionMetrics
{
    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        var sessions = services.GetRequiredService<SessionTable>();
        var counts = sessions.Counts;
        metrics.Gauge("xlive_sessions", "Sessions that this node knows.", sessions.Count);
        metrics.Gauge("xlive_sessions_limit", "Sessions that it can know.", SessionTable.Most);
        metrics.Counter("xlive_sessions_opened_total", "Sessions opened.", counts.AllOpened);
        metrics.Counter("xlive_sessions_reused_total", "Entries that led to a session that was there.", counts.AllReused);
        metrics.Counters("xlive_sessions_refused_total", "Viewers refused, by reason.", "reason",
            [("device_limit", counts.AllRefusedDevices), ("revoked", counts.AllRefusedRevoked)]);
        metrics.Counter("xlive_devices_replaced_total", "Devices that had to leave for another of their user.", counts.AllReplaced);
        metrics.Gauge("xlive_revocations", "Revocations and kicks that hold.", sessions.Revocations.Count);
        metrics.Gauge("xlive_revocations_limit", "Revocations there may be.", Revocations.Most);
        var store = services.GetRequiredService<ISessionStore>();
        metrics.Gauge("xlive_session_store_degraded", "1 while the store of sessions is not as it should be; /health says why.", store.Status.IsDegraded ? 1 : 0);
        metrics.Gauge("xlive_session_store_pending", "Sessions that the store has yet to be told of.",
            store.Status.Pending + services.GetRequiredService<SessionKeeper>().GonePending);
    }
}
