using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Playback.Vod.Cache;

namespace XLive.Server.Operations.Metrics;

/// <summary>The cache before the origins; nothing where there is none.</summary>
internal static class CacheMetrics
{
    public static void Write(MetricsText text, IServiceProvider services)
    {
        if (services.GetService<OriginCache>() is not { } cache)
            return;
        var figures = cache.Figures;
        text.Counters("xlive_cache_answers_total", "Answers to requests for films of an origin, by what the cache did.", "result",
        [
            ("hit", figures.Hits), ("miss", figures.Misses), ("revalidated", figures.Revalidated), ("stale", figures.Stale),
            ("stale_on_error", figures.StaleOnError), ("passed", figures.Passed),
        ]);
        text.Counter("xlive_cache_joined_total", "Requests that waited for an answer another had asked for.", figures.Joined);
        text.Counter("xlive_cache_filled_bytes_total", "Bytes read from origins into the cache.", figures.FilledBytes);
        text.Counter("xlive_cache_purged_total", "Objects that were purged.", figures.Purged);
        text.Gauge("xlive_cache_objects", "Objects whose heads are kept.", cache.Count);
        text.Gauge("xlive_cache_objects_limit", "The most of them.", cache.MostObjects);
        text.Gauge("xlive_cache_memory_bytes", "Bytes of bodies in memory.", cache.Budget.Used);
        text.Gauge("xlive_cache_memory_limit_bytes", "Of cache.memory, as many as are for origins; a quarter while memory runs short.", cache.Budget.Limit);
        text.Counter("xlive_cache_blocks_evicted_total", "Blocks that made room for others.", cache.Budget.Evicted);
        text.Counter("xlive_cache_blocks_refused_total", "Blocks for which there was no room, because all that is there was being sent.", cache.Budget.Refused);
        text.Counter("xlive_cache_pieces_total", "Pieces fetched for one viewer alone, for want of such room.", figures.Windows);
    }
}
