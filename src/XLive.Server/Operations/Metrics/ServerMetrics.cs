using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Limits;
using XLive.Server.Sending;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Metrics;

/// <summary>The process, its connections and its requests.</summary>
internal static class ServerMetrics
{
    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        // Asked of the kernel by a call: reading it in /proc takes a descriptor, and when there is none these figures are wanted most.
        metrics.Counter("process_cpu_seconds_total", "Processor time used.", Environment.CpuUsage.TotalTime.TotalSeconds);
        metrics.Gauge("process_resident_memory_bytes", "Memory held.", Environment.WorkingSet);

        var requests = services.GetRequiredService<RequestStats>();
        metrics.Gauge("xlive_uptime_seconds", "Time since the start.", requests.Uptime.TotalSeconds);
        metrics.Counters("xlive_requests_total", "Answers by the first digit of their status.", "class",
            Enumerable.Range(2, 4).Select(i => ($"{i}xx", (double)requests.Of(i))));
        metrics.Counters("xlive_requests_refused_total", "Refusals by the word of their reason.", "reason",
            requests.Refused.OrderBy(static r => r.Key, StringComparer.Ordinal).Select(static r => (r.Key, (double)r.Value)));
        metrics.Counters("xlive_requests_failed_total", "Answers of 500 and above, by the word of their reason, or of their status where there is none.", "reason",
            requests.Errors.OrderBy(static r => r.Key, StringComparer.Ordinal).Select(static r => (r.Key, (double)r.Value)));
        metrics.Histograms("xlive_request_seconds", "From a request's head to the last byte of its answer, by what was asked for.", RequestStats.Bounds, "kind",
            Enum.GetValues<RequestKind>().Select(kind =>
            {
                var (classes, seconds) = requests.Latency(kind);
                return (kind.ToString().ToLowerInvariant(), (IReadOnlyList<long>)classes, seconds);
            }));

        var connections = services.GetRequiredService<ConnectionCount>();
        var kept = services.GetRequiredService<OpenConnections>();
        var waiter = services.GetRequiredService<WritableWaiter>();
        metrics.Gauge("xlive_connections", "Open connections.", connections.Open);
        metrics.Gauges("xlive_connections_by_protocol", "Of these, by what is spoken on them; a WebSocket over HTTP/2 is a stream of one.", "protocol",
            kept.ByProtocol().Select(static p => (p.Protocol.ToString().ToLowerInvariant(), (double)p.Count)));
        metrics.Gauge("xlive_connections_limit", "Open connections there may be.",
            services.GetRequiredService<Descriptors>().ConnectionsFor(services.GetRequiredService<ServerSettings>().Of<DoorOptions>()));
        metrics.Counter("xlive_connections_accepted_total", "Connections that came.", connections.Accepted);
        metrics.Counters("xlive_connections_cut_total", "Connections that were ended here, by reason.", "reason",
            [("idle", waiter.IdleCuts), ("without_request", kept.SilentCuts), ("to_make_room", kept.MadeRoom), ("abandoned", kept.Abandoned)]);
        metrics.Counter("xlive_crowded_paths_total", "Addresses whose connections came to share a rate, for a third of what they sent was sent again.", waiter.Paths.Found);
        metrics.Gauge("xlive_paced_paths", "Addresses whose connections share a rate now.", waiter.Paths.Paced);
        metrics.Gauge("xlive_cubic_paths", "Addresses whose connections have cubic now, because they fill their link with it.", waiter.Paths.ForCubic);
        var bodies = services.GetRequiredService<WaitingBodies>();
        metrics.Gauge("xlive_bodies_waited_for", "Bodies of API requests that have not come yet.", bodies.Count);
        metrics.Gauge("xlive_bodies_waited_for_limit", "Such bodies there may be.", WaitingBodies.Most);
        metrics.Gauges("xlive_limit_keys", "Addresses, viewers and streams whose attempts are counted, by limit.", "limit",
            [("publishes", services.GetRequiredService<PublishGate>().Limits.Keys), ("requests", services.GetRequiredService<RequestLimits>().Limiter.Keys),
             ("connections", services.GetRequiredService<ConnectionLimits>().Limiter.Keys)]);
        metrics.Gauge("xlive_limit_keys_limit", "The most of them, of each.", RateLimiter.MostKeys);
        metrics.Gauge("xlive_limit_places", "Addresses, viewers and streams of which open connections are counted (limits.connections); no more than connections have entries.",
            services.GetRequiredService<ConnectionLimits>().Keys);
        metrics.Gauge("xlive_limit_paces", "Addresses, viewers and streams that have a rate by limits.bytes_per_second.", services.GetRequiredService<ByteLimits>().Keys);
        metrics.Gauge("xlive_limit_paces_limit", "The most of them.", ByteLimits.MostKeys);
        metrics.Counter("xlive_bodies_refused_total", "Such bodies that found no place.", bodies.Refused);
    }
}
