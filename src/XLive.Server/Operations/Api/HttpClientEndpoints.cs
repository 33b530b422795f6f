using System.Globalization;
using System.Text.Json;
using XLive.Server.Accounts;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Playback.Vod.Warming;
using XLive.Server.Storage.Redis;

namespace XLive.Server.Operations.Api;

/// <summary>GET /debug/http-client: the connections to the origins, how each has answered, and which are asked.</summary>
internal static class HttpClientEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var services = routes.ServiceProvider;
        routes.MapMethods("/debug/http-client", [HttpMethods.Get, HttpMethods.Head], http => ApiJson.WriteAsync(http, json => Write(json, services)))
            .Requires(Permission.Monitor);
    }

    /// <summary>What /stats says: the bounds, and what fills them. Nothing where there is no origin.</summary>
    public static void WriteBounds(Utf8JsonWriter json, IServiceProvider services)
    {
        if (services.GetService<OriginClient>() is not { } client)
            return;
        json.WriteStartObject("origin");
        WriteTurns(json, client.Connections);
        json.WriteEndObject();
        if (services.GetService<OriginCache>() is not { } cache)
            return;
        json.WriteStartObject("cache");
        WriteBounds(json, cache);
        var jobs = services.GetRequiredService<WarmJobs>();
        json.WriteNumber("warmings", jobs.Running);
        json.WriteNumber("warmings_limit", WarmJobs.MostRunning);
        json.WriteNumber("warmings_kept", jobs.All.Length);
        json.WriteNumber("warmings_kept_limit", WarmJobs.MostKept);
        json.WriteEndObject();
        if (cache.Disk is not { } disk)
            return;
        json.WriteStartObject("cache_disk");
        WriteBounds(json, disk);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, IServiceProvider services)
    {
        var client = services.GetService<OriginClient>();
        if (client is not null)
        {
            WriteTurns(json, client.Connections);
            json.WriteNumber("retries_refused", client.RetriesRefused);
            json.WriteNumber("hedges_refused", client.HedgesRefused);
        }
        if (services.GetService<OriginCache>() is { } cache)
            Write(json, cache);
        json.WriteStartArray("origins");
        foreach (var server in client?.Servers ?? [])
            Write(json, server);
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, OriginCache cache)
    {
        var figures = cache.Figures;
        var answered = figures.Hits + figures.Stale + figures.StaleOnError + figures.Revalidated + figures.Misses + figures.Passed;
        json.WriteStartObject("cache");
        json.WriteNumber("hits", figures.Hits);
        json.WriteNumber("misses", figures.Misses);
        json.WriteNumber("revalidated", figures.Revalidated);
        json.WriteNumber("stale", figures.Stale);
        json.WriteNumber("stale_on_error", figures.StaleOnError);
        json.WriteNumber("passed", figures.Passed);
        json.WriteNumber("hit_ratio", answered == 0 ? 0 : Math.Round((double)(figures.Hits + figures.Stale) / answered, 4));
        json.WriteNumber("joined", figures.Joined);
        json.WriteNumber("purged", figures.Purged);
        json.WriteNumber("filled_bytes", figures.FilledBytes);
        WriteBounds(json, cache);
        if (cache.Disk is { } disk)
            Write(json, disk);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, DiskCache disk)
    {
        var figures = disk.Figures;
        json.WriteStartObject("disk");
        json.WriteNumber("hits", figures.Hits);
        json.WriteNumber("misses", figures.Misses);
        json.WriteNumber("read_bytes", figures.ReadBytes);
        json.WriteNumber("writes", figures.Writes);
        json.WriteNumber("written_bytes", figures.WrittenBytes);
        json.WriteNumber("dropped", figures.Dropped);
        json.WriteNumber("not_admitted", figures.NotAdmitted);
        json.WriteNumber("evicted", disk.Index.Evicted);
        json.WriteNumber("corrupt", figures.Corrupt);
        json.WriteNumber("errors", figures.Errors);
        json.WriteNumber("silent", figures.Silent);
        json.WriteString("fault", disk.Fault ?? "");
        json.WriteBoolean("looked_through", disk.IsScanned);
        WriteBounds(json, disk);
        json.WriteEndObject();
    }

    private static void WriteBounds(Utf8JsonWriter json, DiskCache disk)
    {
        json.WriteNumber("objects", disk.Index.Objects);
        json.WriteNumber("files", disk.Index.Files);
        json.WriteNumber("files_limit", disk.Index.MostFiles);
        json.WriteNumber("bytes", disk.Index.Used);
        json.WriteNumber("bytes_limit", disk.Index.Bound);
        json.WriteNumber("waiting_bytes", disk.Queue.Bytes);
        json.WriteNumber("waiting_limit", disk.Queue.MostBytes);
        json.WriteNumber("threads", disk.Threads);
        json.WriteNumber("purges_to_sweep", disk.PurgesToSweep);
    }

    private static void WriteBounds(Utf8JsonWriter json, OriginCache cache)
    {
        json.WriteNumber("objects", cache.Count);
        json.WriteNumber("objects_limit", cache.MostObjects);
        json.WriteNumber("memory_bytes", cache.Budget.Used);
        json.WriteNumber("memory_limit", cache.Budget.Limit);
        json.WriteNumber("memory_waiting", cache.Budget.Pages?.Waiting ?? 0);
        json.WriteNumber("blocks", cache.Budget.Count);
        json.WriteNumber("blocks_evicted", cache.Budget.Evicted);
        json.WriteNumber("blocks_refused", cache.Budget.Refused);
        json.WriteNumber("pieces_without_block", cache.Figures.Windows);
        json.WriteNumber("asking", cache.Asked);
        json.WriteNumber("whole_bytes", cache.Whole.Used);
        json.WriteNumber("whole_limit", cache.Whole.Limit);
        json.WriteNumber("whole_refused", cache.Whole.Refused);
    }

    private static void Write(Utf8JsonWriter json, OriginServer server)
    {
        var (stats, latency) = (server.Stats, server.Latency);
        json.WriteStartObject();
        json.WriteString("origin", server.Name);
        json.WriteBoolean("https", server.Address.IsHttps);
        json.WriteString("breaker", Word(server.Breaker.State));
        json.WriteNumber("breaker_opened", server.Breaker.Opened);
        json.WriteNumber("requests", stats.Requests);
        json.WriteNumber("in_flight", server.Pending);
        json.WriteNumber("retries", stats.Retries);
        json.WriteNumber("resumes", stats.Resumes);
        json.WriteNumber("hedges", stats.Hedges);
        json.WriteNumber("hedges_won", stats.HedgesWon);
        json.WriteNumber("connect_timeouts", stats.ConnectTimeouts);
        json.WriteStartObject("failures");
        foreach (var (kind, count) in stats.Failures)
            json.WriteNumber(kind, count);
        json.WriteEndObject();
        json.WriteString("last_fault", server.LastFault);
        json.WriteStartObject("first_byte");
        json.WriteNumber("p50_ms", Math.Round(latency.Percentile(0.50), 3));
        json.WriteNumber("p95_ms", Math.Round(latency.Percentile(0.95), 3));
        json.WriteNumber("p99_ms", Math.Round(latency.Percentile(0.99), 3));
        json.WriteStartObject("histogram");
        for (var i = 0; i < latency.Classes.Count; i++)
            json.WriteNumber(i < RedisStats.Bounds.Length ? string.Create(CultureInfo.InvariantCulture, $"below_{RedisStats.Bounds[i]}_ms") : "more", latency.Classes[i]);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartObject("pools");
        Write(json, "http1", server.Http1, server.Connections);
        Write(json, "http2", server.Http2, server.Streams);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, OriginPool pool, Turns turns)
    {
        json.WriteStartObject(name);
        json.WriteNumber("open", pool.Open);
        json.WriteNumber("created", pool.Created);
        json.WriteNumber("requests", pool.Requests);
        json.WriteNumber("reused", pool.Reused);
        WriteTurns(json, turns);
        json.WriteEndObject();
    }

    private static void WriteTurns(Utf8JsonWriter json, Turns turns)
    {
        json.WriteNumber("in_flight", turns.Taken);
        json.WriteNumber("in_flight_limit", turns.Most);
        json.WriteNumber("waiting", turns.Waiting);
        json.WriteNumber("waiting_limit", turns.MostWaiting);
    }

    private static string Word(BreakerState state) => state switch
    {
        BreakerState.Closed => "closed",
        BreakerState.HalfOpen => "half_open",
        _ => "open",
    };
}
