using System.Reflection;
using System.Text.Json;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Operations.Metrics;
using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Sending;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Api;

/// <summary>GET /stats: the whole server in one JSON, every bound beside what fills it. GET /api/v1/config: what is set, and from where.</summary>
public static class StatsEndpoints
{
    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];

    public static void MapStats(this IEndpointRouteBuilder routes)
    {
        var services = routes.ServiceProvider;
        routes.MapMethods("/stats", GetAndHead, http => ApiJson.WriteAsync(http, json => Stats(json, services))).Requires(Permission.Monitor);
        routes.MapMetrics();
        TrafficEndpoints.Map(routes);
        ReportEndpoints.Map(routes);
        HookEndpoints.Map(routes);
        HttpClientEndpoints.Map(routes);
        CacheEndpoints.Map(routes);
        OpenApiEndpoint.Map(routes);
        routes.MapMethods("/api/v1/config", GetAndHead, http => ApiJson.WriteAsync(http, json => Config(json, services.GetRequiredService<ServerSettings>()))).Requires(Permission.Admin);
    }

    private static void Stats(Utf8JsonWriter json, IServiceProvider services)
    {
        json.WriteString("version", ServerVersion.Text);
        json.WriteNumber("uptime_seconds", Math.Round(services.GetRequiredService<RequestStats>().Uptime.TotalSeconds, 1));
        json.WriteNumber("cpu_seconds", Math.Round(Environment.CpuUsage.TotalTime.TotalSeconds, 2));
        json.WriteNumber("rss_bytes", Environment.WorkingSet);

        var heap = GC.GetGCMemoryInfo(GCKind.Any);
        json.WriteStartObject("heap");
        json.WriteNumber("allocated_bytes", GC.GetTotalMemory(false));
        json.WriteNumber("live_bytes", heap.HeapSizeBytes - heap.FragmentedBytes);
        json.WriteNumber("committed_bytes", heap.TotalCommittedBytes);
        json.WriteNumber("collections", GC.CollectionCount(0));
        json.WriteNumber("full_collections", GC.CollectionCount(2));
        json.WriteNumber("paused_ms", Math.Round(GC.GetTotalPauseDuration().TotalMilliseconds, 1));
        json.WriteEndObject();

        var requests = services.GetRequiredService<RequestStats>();
        json.WriteStartObject("requests");
        json.WriteNumber("total", requests.Total);
        for (var i = 2; i <= 5; i++)
            json.WriteNumber(i + "xx", requests.Of(i));
        json.WriteNumber("p50_ms", Math.Round(requests.Percentile(0.50), 3));
        json.WriteNumber("p95_ms", Math.Round(requests.Percentile(0.95), 3));
        json.WriteNumber("p99_ms", Math.Round(requests.Percentile(0.99), 3));
        json.WriteStartObject("refused");
        foreach (var (reason, count) in requests.Refused.OrderBy(r => r.Key, StringComparer.Ordinal))
            json.WriteNumber(reason, count);
        json.WriteEndObject();
        json.WriteEndObject();

        var descriptors = services.GetRequiredService<Descriptors>();
        var connections = services.GetRequiredService<ConnectionCount>();
        var waiter = services.GetRequiredService<WritableWaiter>();
        json.WriteStartObject("connections");
        json.WriteNumber("open", connections.Open);
        json.WriteNumber("limit", descriptors.ConnectionsFor(services.GetRequiredService<ServerSettings>().Of<DoorOptions>()));
        json.WriteNumber("accepted", connections.Accepted);
        json.WriteNumber("waiting_for_viewer", waiter.Waiting);
        json.WriteNumber("cut_idle", waiter.IdleCuts);
        json.WriteNumber("crowded_paths", waiter.Paths.Found);
        json.WriteNumber("paced_paths", waiter.Paths.Paced);
        json.WriteNumber("cubic_paths", waiter.Paths.ForCubic);
        var proxied = services.GetRequiredService<ProxyProtocol>();
        json.WriteNumber("proxy_headers", proxied.Read);
        json.WriteNumber("proxy_headers_refused", proxied.Refused);
        var kept = services.GetRequiredService<OpenConnections>();
        json.WriteNumber("cut_without_request", kept.SilentCuts);
        json.WriteNumber("closed_to_make_room", kept.MadeRoom);
        json.WriteNumber("abandoned", kept.Abandoned);
        var bodies = services.GetRequiredService<WaitingBodies>();
        json.WriteNumber("bodies_waited_for", bodies.Count);
        json.WriteNumber("bodies_refused", bodies.Refused);
        json.WriteEndObject();

        RtmpStats.Write(json, services);
        LiveStats.Write(json, services);

        OverloadStats.Write(json, services);
        DatabaseStats.Write(json, services);

        TrafficStats.Write(json, services);

        SessionStats.Write(json, services);

        HookEndpoints.WriteStats(json, services);

        AccountStats.Write(json, services);

        var folder = services.GetRequiredService<FolderSource>();
        json.WriteStartObject("files");
        json.WriteNumber("cached", folder.Table.Count);
        json.WriteNumber("memory_bytes", folder.Table.Bytes);
        json.WriteNumber("memory_limit", folder.Table.MaxBytes);
        json.WriteNumber("handles", folder.Table.Handles);
        json.WriteNumber("handle_limit", folder.Table.MaxHandles);
        json.WriteNumber("lookups_waiting", folder.LookupsWaiting);
        json.WriteNumber("disk_threads", folder.Lanes.Threads);
        json.WriteEndObject();

        HttpClientEndpoints.WriteBounds(json, services);

        json.WriteStartObject("logs_dropped");
        foreach (var (file, lines) in services.GetRequiredService<LogFiles>().Dropped)
            json.WriteNumber(file, lines);
        json.WriteEndObject();
    }

    private static void Config(Utf8JsonWriter json, ServerSettings settings)
    {
        if (settings.File is null)
            json.WriteNull("file");
        else
            json.WriteString("file", settings.File);
        json.WriteStartArray("settings");
        foreach (var key in settings.Describe())
        {
            json.WriteStartObject();
            json.WriteString("key", key.Key);
            json.WriteString("value", key.Value);
            json.WriteString("default", key.Default);
            json.WriteString("source", key.Source);
            json.WriteBoolean("needs_restart", key.NeedsRestart);
            if (key.Pending is { } pending)
                json.WriteString("pending", pending);
            json.WriteString("why", key.Why);
            if (key.Planned is { } planned)
                json.WriteString("not_built_yet", planned);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("warnings");
        foreach (var warning in settings.Warnings)
            json.WriteStringValue(warning);
        json.WriteEndArray();
    }
}

/// <summary>As .ci/version made it when this was built: what follows a + tells the commit.</summary>
public static class ServerVersion
{
    public static string Text { get; } = typeof(ServerVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}
