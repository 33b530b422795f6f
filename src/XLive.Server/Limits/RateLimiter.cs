namespace XLive.Server.Limits;

/// <summary>
/// The limits of one key, limits.publishes for one. Each entry is a bucket of count + burst that fills again at count a window (ITU-T I.371's GCRA): one
/// number is kept for whoever has attempts outstanding, and nothing for anybody else.
/// </summary>
public sealed class RateLimiter(TimeProvider clock, Func<IReadOnlyList<RateLimit>> limits)
{
    public const int MostKeys = 10_000;

    private readonly Lock _gate = new();

    // When the bucket is full again. By the entry's value: a reload that leaves it as it is forgets nothing.
    private readonly Dictionary<(RateLimit Limit, LimitKey Key), long> _full = [];
    private long _refused;

    public long Refused => Volatile.Read(ref _refused);

    public int Keys
    {
        get
        {
            lock (_gate)
                return _full.Count;
        }
    }

    /// <summary>There is an entry of that kind: a key need not be made for nothing.</summary>
    public bool Counts(LimitBy by)
    {
        foreach (var limit in limits())
        {
            if (limit.By == by)
                return true;
        }
        return false;
    }

    /// <summary>Counts an attempt. Null: it may go on; else how long until the next may.</summary>
    public TimeSpan? Take(LimitBy by, in LimitKey key) => TakeOf(by, key)?.Wait;

    /// <summary>The same, with the limit that it goes beyond.</summary>
    public TooMany? TakeOf(LimitBy by, in LimitKey key)
    {
        foreach (var limit in limits())
        {
            if (limit.By == by && Take(limit, key) is { } wait)
            {
                Interlocked.Increment(ref _refused);
                return new(limit, wait);
            }
        }
        return null;
    }

    private TimeSpan? Take(RateLimit limit, in LimitKey key)
    {
        var now = clock.GetTimestamp();
        var each = limit.Window.TotalSeconds / limit.Count * clock.TimestampFrequency;
        lock (_gate)
        {
            var full = _full.TryGetValue((limit, key), out var known) && known > now ? known : now;
            var ahead = full - now + each - (((long)limit.Count + limit.Burst) * each);
            // Half a tick is how exact the sum is.
            if (ahead > 0.5)
                return TimeSpan.FromSeconds(ahead / clock.TimestampFrequency);
            if (_full.Count >= MostKeys)
                MakeRoom(now);
            _full[(limit, key)] = full + (long)each;
            return null;
        }
    }

    private void MakeRoom(long now)
    {
        foreach (var (key, full) in _full)
        {
            if (full <= now)
                _full.Remove(key);
        }
        // Still full: more strangers than keys within a window. A tenth goes, so that not every attempt pays for the search.
        foreach (var key in _full.Keys.Take(_full.Count >= MostKeys ? MostKeys / 10 : 0).ToList())
            _full.Remove(key);
    }
}
