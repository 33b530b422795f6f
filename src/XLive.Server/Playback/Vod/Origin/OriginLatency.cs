using XLive.Server.Storage.Redis;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Vod.Origin;

/// <summary>
/// How long heads of answers took: in the classes that Redis' answers are counted in, for the curves; and of the last minute or two in
/// quarters of a power of two, from which percentiles are right within a fifth.
/// </summary>
internal sealed class OriginLatency(TimeProvider clock)
{
    /// <summary>Fewer say nothing of how long the next may take.</summary>
    public const int Enough = 20;

    private static readonly TimeSpan Half = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly long[] _classes = new long[RedisStats.Bounds.Length + 1];
    private int[] _now = new int[LatencyBuckets.Count];
    private int[] _before = new int[LatencyBuckets.Count];
    private long _microseconds;
    private long _since = clock.GetTimestamp();
    private long _at;
    private double _p95;

    public IReadOnlyList<long> Classes => _classes;

    public double SumMs => Volatile.Read(ref _microseconds) / 1000.0;

    public void Took(TimeSpan time)
    {
        var microseconds = (long)time.TotalMicroseconds;
        Interlocked.Add(ref _microseconds, microseconds);
        var at = Array.FindIndex(RedisStats.Bounds, b => time.TotalMilliseconds < b);
        Interlocked.Increment(ref _classes[at < 0 ? RedisStats.Bounds.Length : at]);
        lock (_gate)
        {
            if (clock.GetElapsedTime(_since) >= Half)
            {
                (_now, _before, _since) = (_before, _now, clock.GetTimestamp());
                Array.Clear(_now);
            }
            _now[LatencyBuckets.Of(microseconds)]++;
        }
    }

    /// <summary>What 95 of 100 took at most; null while too few are known. Looked at for every request, so it is a second old at most.</summary>
    public TimeSpan? P95
    {
        get
        {
            lock (_gate)
            {
                if (_at == 0 || clock.GetElapsedTime(_at) > TimeSpan.FromSeconds(1))
                    (_at, _p95) = (clock.GetTimestamp() | 1, Of(0.95, Enough));
                return _p95 > 0 ? TimeSpan.FromMilliseconds(_p95) : null;
            }
        }
    }

    /// <summary>Milliseconds that so large a share took at most; 0 while nothing is known.</summary>
    public double Percentile(double share)
    {
        lock (_gate)
            return Of(share, 1);
    }

    private double Of(double share, long least)
    {
        long total = 0;
        for (var i = 0; i < LatencyBuckets.Count; i++)
            total += _now[i] + _before[i];
        if (total < least)
            return 0;
        var wanted = (long)Math.Ceiling(total * share);
        long seen = 0;
        for (var i = 0; i < LatencyBuckets.Count; i++)
        {
            seen += _now[i] + _before[i];
            if (seen >= wanted)
                return LatencyBuckets.UpperBound(i);
        }
        return 0;
    }
}
