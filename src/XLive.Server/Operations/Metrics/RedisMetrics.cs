using XLive.Server.Limits;
using XLive.Server.Sessions.Redis;
using XLive.Server.Storage.Redis;

namespace XLive.Server.Operations.Metrics;

/// <summary>The connections to Redis and how it answers; nothing where there is none.</summary>
internal static class RedisMetrics
{
    private static readonly double[] s_seconds = Array.ConvertAll(RedisStats.Bounds, static ms => ms / 1000);

    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        if (services.GetService<RedisSessionStore>() is not { } store)
            return;
        var client = services.GetRequiredService<RedisClient>();
        var stats = client.Stats;
        metrics.Gauge("xlive_redis_servers", "Servers it consists of, as far as known.", client.ServerCount);
        metrics.Gauge("xlive_redis_connected", "Connections that are there.", client.Connected);
        metrics.Counter("xlive_redis_reconnects_total", "Connections that took the place of another.", stats.Reconnects);
        metrics.Gauge("xlive_redis_waiting", "Commands without an answer yet.", client.Waiting);
        metrics.Gauge("xlive_redis_waiting_limit", "Commands there may be without one.", client.MostWaiting);
        metrics.Histogram("xlive_redis_answer_seconds", "How long answers took: below 0.01 is excellent, to 0.05 good.", s_seconds, stats.Classes, stats.SumMs / 1000);
        metrics.Counters("xlive_redis_errors_total", "Commands that failed, by the first word of the error.", "error",
            stats.Errors.Select(static e => (e.Kind, (double)e.Count)));
        metrics.Counter("xlive_redis_not_sent_total", "Commands that found no connection, or too many waiting.", stats.NotSent);
        metrics.Counter("xlive_redis_unanswered_entries_total", "Entries that this node decided alone, because no answer came in time.", store.Unanswered);
        metrics.Counter("xlive_limits_unshared_total", "Times that counts of limits could not be told to the other nodes.", services.GetRequiredService<SharedLimits>().Failures);
        metrics.Gauge("xlive_redis_keys_put_aside", "Keys of ours that held what is not ours, and were renamed.", store.Quarantined);
    }
}
