using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Playback.Vod.Cache;

namespace XLive.Server.Operations.Metrics;

/// <summary>The cache before the origins; nothing where there is none.</summary>
internal static class CacheMetrics
{
    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        if (services.GetService<OriginCache>() is not { } cache)
            return;
        var figures = cache.Figures;
        metrics.Counters("xlive_cache_answers_total", "Answers to requests for films of an origin, by what the cache did.", "result",
        [
            ("hit", figures.Hits), ("miss", figures.Misses), ("revalidated", figures.Revalidated), ("stale", figures.Stale),
            ("stale_on_error", figures.StaleOnError), ("passed", figures.Passed),
        ]);
        metrics.Counter("xlive_cache_joined_total", "Requests that waited for an answer another had asked for.", figures.Joined);
        metrics.Counter("xlive_cache_filled_bytes_total", "Bytes read from origins into the cache.", figures.FilledBytes);
        metrics.Counter("xlive_cache_purged_total", "Objects that were purged.", figures.Purged);
        metrics.Gauge("xlive_cache_objects", "Objects whose heads are kept.", cache.Count);
        metrics.Gauge("xlive_cache_objects_limit", "The most of them.", cache.MostObjects);
        metrics.Gauge("xlive_cache_memory_bytes", "Bytes of bodies in memory.", cache.Budget.Used);
        metrics.Gauge("xlive_cache_memory_waiting_bytes", "Of blocks that are gone; their memory goes with the other half of its huge page, or when a sixteenth of the cache waits.", cache.Budget.Pages?.Waiting ?? 0);
        metrics.Gauge("xlive_cache_memory_limit_bytes", "Of cache.memory, as many as are for origins; a quarter while memory runs short.", cache.Budget.Limit);
        metrics.Gauge("xlive_cache_whole_bytes", "Bytes of playlists and other bodies that are being read whole.", cache.Whole.Used);
        metrics.Gauge("xlive_cache_whole_limit_bytes", "The most of them.", cache.Whole.Limit);
        metrics.Counter("xlive_cache_whole_refused_total", "Bodies that were not read, because there was no room for more of them.", cache.Whole.Refused);
        metrics.Counter("xlive_cache_blocks_evicted_total", "Blocks that made room for others.", cache.Budget.Evicted);
        metrics.Counter("xlive_cache_blocks_refused_total", "Blocks for which there was no room, because all that is there was being sent.", cache.Budget.Refused);
        metrics.Counter("xlive_cache_pieces_total", "Pieces fetched for one viewer alone, for want of such room.", figures.Windows);
        if (cache.Disk is { } disk)
            Write(metrics, disk);
    }

    private static void Write(IMetrics metrics, DiskCache disk)
    {
        var figures = disk.Figures;
        metrics.Counter("xlive_cache_disk_hits_total", "Blocks, and objects read at once, that came from cache.dir.", figures.Hits);
        metrics.Counter("xlive_cache_disk_misses_total", "Those that were looked for there in vain.", figures.Misses);
        metrics.Counter("xlive_cache_disk_read_bytes_total", "Bytes of bodies read there.", figures.ReadBytes);
        metrics.Counter("xlive_cache_disk_writes_total", "Blocks written there.", figures.Writes);
        metrics.Counter("xlive_cache_disk_written_bytes_total", "Their bytes.", figures.WrittenBytes);
        metrics.Counter("xlive_cache_disk_dropped_total", "Blocks not written because too many bytes waited, or the disk failed.", figures.Dropped);
        metrics.Counter("xlive_cache_disk_not_admitted_total", "Blocks not written because the disk is full and nobody had wanted them before.", figures.NotAdmitted);
        metrics.Counter("xlive_cache_disk_evicted_total", "Blocks that made room for others.", disk.Index.Evicted);
        metrics.Counter("xlive_cache_disk_corrupt_total", "Files that did not agree with their checksum or their name; they are removed.", figures.Corrupt);
        metrics.Counter("xlive_cache_disk_errors_total", "Calls that the file system refused.", figures.Errors);
        metrics.Counter("xlive_cache_disk_silent_total", "Reads that took longer than 2 s; the origin was asked instead.", figures.Silent);
        metrics.Gauge("xlive_cache_disk_bytes", "What the files take.", disk.Index.Used);
        metrics.Gauge("xlive_cache_disk_limit_bytes", "cache.disk; what there is for ten minutes after the disk itself was full.", disk.Index.Bound);
        metrics.Gauge("xlive_cache_disk_files", "Heads and blocks.", disk.Index.Files);
        metrics.Gauge("xlive_cache_disk_files_limit", "The most of them.", disk.Index.MostFiles);
        metrics.Gauge("xlive_cache_disk_waiting_bytes", "Blocks in memory that wait to be written.", disk.Queue.Bytes);
        metrics.Gauge("xlive_cache_disk_waiting_limit_bytes", "The most of them.", disk.Queue.MostBytes);
        metrics.Gauge("xlive_cache_disk_degraded", "1 while nothing is kept there, or nothing read; /health says why.", disk.Fault is null ? 0 : 1);
    }
}
