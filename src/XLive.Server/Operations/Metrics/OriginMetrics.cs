using System.Globalization;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Storage.Redis;

namespace XLive.Server.Operations.Metrics;

/// <summary>The requests to the origins, which are numbered as in the settings; nothing where there is none.</summary>
internal static class OriginMetrics
{
    private static readonly double[] s_seconds = Array.ConvertAll(RedisStats.Bounds, static ms => ms / 1000);

    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        if (services.GetService<OriginClient>() is not { } client)
            return;
        var servers = client.Servers;
        IEnumerable<(string, double)> Each(Func<OriginServer, double> figure) =>
            servers.Select((s, i) => ((i + 1).ToString(CultureInfo.InvariantCulture), figure(s)));
        metrics.Gauges("xlive_origin_breaker_open", "1 while this origin, numbered as in the settings, is not asked for films.", "origin",
            Each(static s => s.Breaker.State == BreakerState.Closed ? 0 : 1));
        metrics.Counters("xlive_origin_breaker_opened_total", "Times that it failed too often and was not asked any more.", "origin", Each(static s => s.Breaker.Opened));
        metrics.Counters("xlive_origin_requests_total", "Requests to each origin, probes and further tries included.", "origin", Each(static s => s.Stats.Requests));
        metrics.Gauges("xlive_origin_in_flight", "Requests whose answer has not ended.", "origin", Each(static s => s.Pending));
        metrics.Gauges("xlive_origin_connections", "Open connections.", "origin", Each(static s => s.Http1.Open + s.Http2.Open));
        metrics.Counters("xlive_origin_connections_created_total", "Connections made.", "origin", Each(static s => s.Http1.Created + s.Http2.Created));
        metrics.Counters("xlive_origin_connect_timeouts_total", "Connections that took too long to make.", "origin", Each(static s => s.Stats.ConnectTimeouts));
        metrics.Counters("xlive_origin_failures_total", "Requests that failed, by the word of the fault, of all origins.", "fault",
            servers.SelectMany(static s => s.Stats.Failures).GroupBy(static f => f.Kind).Select(static k => (k.Key, (double)k.Sum(static f => f.Count))));
        metrics.Counter("xlive_origin_retries_total", "Requests asked once more, there or elsewhere.", servers.Sum(static s => s.Stats.Retries));
        metrics.Counter("xlive_origin_retries_refused_total", "Requests not asked once more, because a fifth of all were.", client.RetriesRefused);
        metrics.Counter("xlive_origin_resumes_total", "Bodies that broke off and went on.", servers.Sum(static s => s.Stats.Resumes));
        metrics.Counter("xlive_origin_hedges_total", "Second requests beside slow ones.", servers.Sum(static s => s.Stats.Hedges));
        metrics.Counter("xlive_origin_hedges_won_total", "Of these, those that were first.", servers.Sum(static s => s.Stats.HedgesWon));
        metrics.Counter("xlive_origin_hedges_refused_total", "Those not sent, because a twentieth of all were.", client.HedgesRefused);
        metrics.Gauge("xlive_origin_waiting", "Requests that wait for a connection.", client.Connections.Waiting);
        metrics.Gauge("xlive_origin_waiting_limit", "Requests that may wait.", client.Connections.MostWaiting);
        metrics.Histogram("xlive_origin_first_byte_seconds", "How long the heads of answers took.", s_seconds,
            [.. Enumerable.Range(0, RedisStats.Bounds.Length + 1).Select(i => servers.Sum(s => s.Latency.Classes[i]))], servers.Sum(static s => s.Latency.SumMs) / 1000);
    }
}
