using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Sending;
using XLive.Server.Storage;

namespace XLive.Server.Operations.Metrics;

/// <summary>The films of the folder and the threads that wait for disks; the database.</summary>
internal static class StorageMetrics
{
    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        var folder = services.GetRequiredService<FolderSource>();
        metrics.Gauge("xlive_files", "Files of the folder that are known.", folder.Table.Count);
        metrics.Gauge("xlive_files_memory_bytes", "Of those held in memory, the bytes.", folder.Table.Bytes);
        metrics.Gauge("xlive_files_memory_limit_bytes", "The most of them.", folder.Table.MaxBytes);
        metrics.Gauge("xlive_files_open", "Files that are open.", folder.Table.Handles);
        metrics.Gauge("xlive_files_open_limit", "The most of them.", folder.Table.MaxHandles);
        metrics.Gauge("xlive_files_waiting", "Requests that wait for a look at the disk.", folder.LookupsWaiting);
        metrics.Gauge("xlive_disk_threads", "Threads that wait for disks.", folder.Lanes.Threads);
        metrics.Gauge("xlive_disk_threads_limit", "The most of them, for each file system.", FileThreads.MaxThreads);
        var database = services.GetRequiredService<Database>();
        metrics.Gauge("xlive_database_joined", "0 while the database is away.", database.Away is null ? 1 : 0);
        metrics.Gauge("xlive_database_running", "Statements under way.", database.Running);
        metrics.Gauge("xlive_database_running_limit", "The most of them: connections of the pool.", database.Turns);
        metrics.Gauge("xlive_database_waiting", "Statements that wait for one of those to end.", database.Waiting);
        metrics.Gauge("xlive_database_waiting_limit", "The most of them; those beyond are refused.", Database.MostWaiting);
        metrics.Counter("xlive_database_lost_total", "Times that it was there and went away.", database.Losses);
    }
}
