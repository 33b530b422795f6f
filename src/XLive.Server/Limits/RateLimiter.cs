using System.Runtime.InteropServices;

namespace XLive.Server.Limits;

/// <summary>
/// The limits of one key, limits.publishes for one. Each entry is a bucket of count + burst that fills again at count a window (ITU-T I.371's GCRA): one
/// number is kept for whoever has attempts outstanding, and nothing for anybody else.
/// </summary>
public sealed class RateLimiter(TimeProvider clock, Func<IReadOnlyList<RateLimit>> limits)
{
    public const int MostKeys = 10_000;

    private readonly Lock _gate = new();

    // By the entry's value: a reload that leaves it as it is forgets nothing.
    private readonly Dictionary<(RateLimit Limit, LimitKey Key), Bucket> _buckets = [];
    private long _refused;
    private bool _hasUntold;

    private struct Bucket
    {
        // When it is full again.
        public long Full;

        // Attempts that the other nodes have not heard of.
        public int Untold;
    }

    public long Refused => Volatile.Read(ref _refused);

    public int Keys
    {
        get
        {
            lock (_gate)
                return _buckets.Count;
        }
    }

    /// <summary>Attempts are kept for <see cref="Untold"/>.</summary>
    public bool IsShared { get; set; }

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
            if (limit.By == by && TakeOf(limit, key) is { } tooMany)
                return tooMany;
        }
        return null;
    }

    /// <summary>Of one entry alone.</summary>
    public TooMany? TakeOf(RateLimit limit, in LimitKey key)
    {
        if (Take(limit, key) is not { } wait)
            return null;
        Interlocked.Increment(ref _refused);
        return new(limit, wait);
    }

    private TimeSpan? Take(RateLimit limit, in LimitKey key)
    {
        var now = clock.GetTimestamp();
        var each = Each(limit);
        lock (_gate)
        {
            _buckets.TryGetValue((limit, key), out var known);
            var full = Math.Max(known.Full, now);
            var ahead = full - now + each - (((long)limit.Count + limit.Burst) * each);
            // Half a tick is how exact the sum is.
            if (ahead > 0.5)
                return TimeSpan.FromSeconds(ahead / clock.TimestampFrequency);
            if (_buckets.Count >= MostKeys)
                MakeRoom(now);
            _buckets[(limit, key)] = new Bucket { Full = full + (long)each, Untold = IsShared ? known.Untold + 1 : 0 };
            _hasUntold |= IsShared;
            return null;
        }
    }

    // Ticks of the clock that an attempt takes to be forgotten.
    private double Each(RateLimit limit) => limit.Window.TotalSeconds / limit.Count * clock.TimestampFrequency;

    private void MakeRoom(long now)
    {
        foreach (var (key, bucket) in _buckets)
        {
            if (bucket.Full <= now)
                _buckets.Remove(key);
        }
        // Still full: more strangers than keys within a window. A tenth goes, so that not every attempt pays for the search.
        foreach (var key in _buckets.Keys.Take(_buckets.Count >= MostKeys ? MostKeys / 10 : 0).ToList())
            _buckets.Remove(key);
    }

    /// <summary>What was counted here since the last time, to tell others.</summary>
    public void Untold(List<(RateLimit Limit, LimitKey Key, TimeSpan Took)> into)
    {
        if (!Volatile.Read(ref _hasUntold))
            return;
        lock (_gate)
        {
            _hasUntold = false;
            foreach (var (key, bucket) in _buckets)
            {
                if (bucket.Untold > 0)
                    into.Add((key.Limit, key.Key, key.Limit.Window / key.Limit.Count * bucket.Untold));
            }
            foreach (var (limit, key, _) in into)
            {
                ref var bucket = ref CollectionsMarshal.GetValueRefOrNullRef(_buckets, (limit, key));
                if (!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref bucket))
                    bucket.Untold = 0;
            }
        }
    }

    /// <summary>All nodes together had so much outstanding at that time, what was told to them included.</summary>
    public void Learn(RateLimit limit, in LimitKey key, TimeSpan outstanding, long at)
    {
        lock (_gate)
        {
            ref var bucket = ref CollectionsMarshal.GetValueRefOrNullRef(_buckets, (limit, key));
            if (!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref bucket))
                bucket.Full = Math.Max(bucket.Full, at + (long)(outstanding.TotalSeconds * clock.TimestampFrequency + bucket.Untold * Each(limit)));
        }
    }

    /// <summary>Who has attempts outstanding, and when the next may come: zero, if it may now.</summary>
    public List<(RateLimit Limit, LimitKey Key, TimeSpan Outstanding, TimeSpan Wait)> Outstanding()
    {
        var now = clock.GetTimestamp();
        List<(RateLimit, LimitKey, TimeSpan, TimeSpan)> all = [];
        lock (_gate)
        {
            foreach (var ((limit, key), bucket) in _buckets)
            {
                if (bucket.Full <= now)
                    continue;
                var each = Each(limit);
                var wait = Math.Max(0, bucket.Full - now + each - (((long)limit.Count + limit.Burst) * each));
                all.Add((limit, key, TimeSpan.FromSeconds((double)(bucket.Full - now) / clock.TimestampFrequency), TimeSpan.FromSeconds(wait / clock.TimestampFrequency)));
            }
        }
        return all;
    }

    /// <summary>Forgets the attempts of those keys.</summary>
    public List<(RateLimit Limit, LimitKey Key)> Clear(Func<RateLimit, LimitKey, bool> which)
    {
        List<(RateLimit, LimitKey)> cleared = [];
        lock (_gate)
        {
            foreach (var (key, _) in _buckets)
            {
                if (which(key.Limit, key.Key))
                {
                    cleared.Add(key);
                    _buckets.Remove(key);
                }
            }
        }
        return cleared;
    }
}
