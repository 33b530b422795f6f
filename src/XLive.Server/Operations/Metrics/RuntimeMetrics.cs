namespace XLive.Server.Operations.Metrics;

/// <summary>The runtime below the server: its memory, its threads.</summary>
internal static class RuntimeMetrics
{
    private static readonly string[] s_generations = ["0", "1", "2", "large", "pinned"];

    private static long s_exceptions;

    // Of the process: in tests there are several servers in one.
    static RuntimeMetrics() => AppDomain.CurrentDomain.FirstChanceException += static (_, _) => Interlocked.Increment(ref s_exceptions);

    public static void Write(IMetrics metrics)
    {
        var heap = GC.GetGCMemoryInfo(GCKind.Any);
        // A collection of one generation counts as one of those below it too.
        var (first, second, third) = (GC.CollectionCount(0), GC.CollectionCount(1), GC.CollectionCount(2));
        metrics.Counters("xlive_collector_collections_total", "Collections, by the oldest generation that was looked through.", "generation",
            [("0", first - second), ("1", second - third), ("2", third)]);
        metrics.Counter("xlive_collector_paused_seconds_total", "Time for which the memory collector held everything up.", GC.GetTotalPauseDuration().TotalSeconds);
        var sizes = new List<(string, double)>(s_generations.Length);
        for (var i = 0; i < heap.GenerationInfo.Length && i < s_generations.Length; i++)
            sizes.Add((s_generations[i], heap.GenerationInfo[i].SizeAfterBytes));
        metrics.Gauges("xlive_heap_bytes", "Memory of objects after the last collection, by generation; large and pinned ones by themselves.", "generation", sizes);
        metrics.Gauge("xlive_heap_committed_bytes", "Memory that the heap holds of the machine's.", heap.TotalCommittedBytes);
        metrics.Gauge("xlive_heap_limit_bytes", "As large as it may become.", heap.TotalAvailableMemoryBytes);
        metrics.Counter("xlive_allocated_bytes_total", "Memory that objects were given since the start.", GC.GetTotalAllocatedBytes(precise: false));
        metrics.Gauge("xlive_pool_threads", "Threads of the pool.", ThreadPool.ThreadCount);
        metrics.Gauge("xlive_pool_waiting", "Work that waits for one of them.", ThreadPool.PendingWorkItemCount);
        metrics.Counter("xlive_pool_done_total", "Work that they have done.", ThreadPool.CompletedWorkItemCount);
        metrics.Gauge("xlive_timers", "Timers that will ring.", Timer.ActiveCount);
        metrics.Counter("xlive_lock_contentions_total", "Times that a thread had to wait for another's lock.", Monitor.LockContentionCount);
        metrics.Counter("xlive_exceptions_total", "Exceptions that were thrown, most of them for peers who left.", Volatile.Read(ref s_exceptions));
    }
}
