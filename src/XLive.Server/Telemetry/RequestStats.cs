using System.Collections.Concurrent;

namespace XLive.Server.Telemetry;

/// <summary>
/// What the door saw: answers by class, refusals by reason, how long answers took. Latency lies in buckets of a quarter of a power of
/// two, so a percentile is right within a fifth and costs one increment.
/// </summary>
public sealed class RequestStats(TimeProvider clock)
{
    private readonly long _began = clock.GetTimestamp();
    private readonly long[] _classes = new long[6];
    private readonly long[] _latency = new long[LatencyBuckets.Count];
    private readonly ConcurrentDictionary<string, long> _refused = new(StringComparer.Ordinal);

    /// <summary>How long it has counted, whatever the wall clock did meanwhile.</summary>
    public TimeSpan Uptime => clock.GetElapsedTime(_began);

    public void Count(int status, long microseconds, string refusedFor)
    {
        Interlocked.Increment(ref _classes[Math.Clamp(status / 100, 0, 5)]);
        Interlocked.Increment(ref _latency[LatencyBuckets.Of(microseconds)]);
        if (refusedFor.Length > 0)
            CountRefused(refusedFor);
    }

    // The reasons are words of ours, two dozen in all.
    public void CountRefused(string reason) => _refused.AddOrUpdate(reason, 1, static (_, n) => n + 1);

    public long Of(int statusClass) => Volatile.Read(ref _classes[statusClass]);

    public long Total
    {
        get
        {
            long total = 0;
            for (var i = 0; i < _classes.Length; i++)
                total += Of(i);
            return total;
        }
    }

    public IReadOnlyDictionary<string, long> Refused => _refused;

    /// <summary>Milliseconds that so large a share of all answers took at most.</summary>
    public double Percentile(double share)
    {
        long total = 0;
        for (var i = 0; i < LatencyBuckets.Count; i++)
            total += Volatile.Read(ref _latency[i]);
        var wanted = (long)Math.Ceiling(total * share);
        long seen = 0;
        for (var i = 0; i < LatencyBuckets.Count && total > 0; i++)
        {
            seen += Volatile.Read(ref _latency[i]);
            if (seen >= wanted)
                return LatencyBuckets.UpperBound(i);
        }
        return 0;
    }
}
