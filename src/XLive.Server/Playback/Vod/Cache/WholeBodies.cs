namespace XLive.Server.Playback.Vod.Cache;

/// <summary>The memory of bodies that are being read whole, all together: a quarter of the cache's beside it, and as much as a small server needs.</summary>
internal sealed class WholeBodies(BlockBudget budget)
{
    private const long Least = 16 << 20;

    private long _used;
    private long _refused;

    public long Limit => Math.Max(Least, budget.Limit / 4);
    public long Used => Volatile.Read(ref _used);
    public long Refused => Volatile.Read(ref _refused);

    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _used, bytes) <= Limit)
            return true;
        Return(bytes);
        Interlocked.Increment(ref _refused);
        return false;
    }

    public void Return(long bytes) => Interlocked.Add(ref _used, -bytes);
}
