namespace XLive.Server.Playback.Vod.Cache;

/// <summary>How the cache answered, since the start.</summary>
internal sealed class CacheFigures
{
    private long _hits, _misses, _stale, _revalidated, _joined, _passed, _staleOnError, _windows, _filledBytes, _purged;

    public long Hits => Volatile.Read(ref _hits);
    public long Misses => Volatile.Read(ref _misses);

    /// <summary>Old, and asked for again meanwhile.</summary>
    public long Stale => Volatile.Read(ref _stale);

    /// <summary>Old, and still the same, said the origin.</summary>
    public long Revalidated => Volatile.Read(ref _revalidated);

    /// <summary>Waited for an answer that another had asked for.</summary>
    public long Joined => Volatile.Read(ref _joined);

    /// <summary>Not to be kept.</summary>
    public long Passed => Volatile.Read(ref _passed);
    public long StaleOnError => Volatile.Read(ref _staleOnError);

    /// <summary>Pieces fetched for one viewer, because all memory was being sent.</summary>
    public long Windows => Volatile.Read(ref _windows);
    public long FilledBytes => Volatile.Read(ref _filledBytes);
    public long Purged => Volatile.Read(ref _purged);

    internal void Hit() => Interlocked.Increment(ref _hits);
    internal void Miss() => Interlocked.Increment(ref _misses);
    internal void ServedStale() => Interlocked.Increment(ref _stale);
    internal void Confirmed() => Interlocked.Increment(ref _revalidated);
    internal void Waited() => Interlocked.Increment(ref _joined);
    internal void Pass() => Interlocked.Increment(ref _passed);
    internal void ServedOnError() => Interlocked.Increment(ref _staleOnError);
    internal void Window() => Interlocked.Increment(ref _windows);
    internal void Filled(int bytes) => Interlocked.Add(ref _filledBytes, bytes);
    internal void Purge(int objects) => Interlocked.Add(ref _purged, objects);
}
