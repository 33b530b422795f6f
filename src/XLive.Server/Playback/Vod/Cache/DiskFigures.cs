namespace XLive.Server.Playback.Vod.Cache;

/// <summary>What the disk gave and took, since the start.</summary>
internal sealed class DiskFigures
{
    private long _hits, _misses, _readBytes, _writes, _writtenBytes, _dropped, _notAdmitted, _corrupt, _errors, _silent;

    /// <summary>Blocks and whole small objects that were read from it.</summary>
    public long Hits => Volatile.Read(ref _hits);

    /// <summary>Those that were looked for in vain.</summary>
    public long Misses => Volatile.Read(ref _misses);
    public long ReadBytes => Volatile.Read(ref _readBytes);
    public long Writes => Volatile.Read(ref _writes);
    public long WrittenBytes => Volatile.Read(ref _writtenBytes);

    /// <summary>Blocks not written because more waited than may.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Blocks seen once, with the disk full of others.</summary>
    public long NotAdmitted => Volatile.Read(ref _notAdmitted);

    /// <summary>Files that did not agree with their checksum or with what they should hold.</summary>
    public long Corrupt => Volatile.Read(ref _corrupt);

    /// <summary>Calls that the file system refused.</summary>
    public long Errors => Volatile.Read(ref _errors);

    /// <summary>Reads that took too long to wait for.</summary>
    public long Silent => Volatile.Read(ref _silent);

    internal void Hit(long bytes)
    {
        Interlocked.Increment(ref _hits);
        Interlocked.Add(ref _readBytes, bytes);
    }

    internal void Miss() => Interlocked.Increment(ref _misses);

    internal void Wrote(long bytes)
    {
        Interlocked.Increment(ref _writes);
        Interlocked.Add(ref _writtenBytes, bytes);
    }

    internal void Drop() => Interlocked.Increment(ref _dropped);
    internal void Refuse() => Interlocked.Increment(ref _notAdmitted);
    internal void FindCorrupt() => Interlocked.Increment(ref _corrupt);
    internal void Fail() => Interlocked.Increment(ref _errors);
    internal void Wait() => Interlocked.Increment(ref _silent);
}
