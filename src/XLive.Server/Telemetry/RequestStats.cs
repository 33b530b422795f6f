using System.Collections.Concurrent;
using System.Numerics;

namespace XLive.Server.Telemetry;

/// <summary>
/// What the door saw: answers by class, refusals and errors by reason, how long answers took. Latency lies in buckets of a quarter of a power of
/// two, so a percentile is right within a fifth and costs one increment; the histogram for /metrics is the same buckets, four by four.
/// Counters are those of the processor that counts, and are added up when they are asked for: two that add to one number wait for each other.
/// </summary>
public sealed class RequestStats(TimeProvider clock)
{
    // 0.26 ms to 17 s: below is a hit in memory, beyond a viewer who is slow.
    private const int FirstPower = 8, LastPower = 24;

    private const int Kinds = (int)RequestKind.Other + 1;
    private const int MostStripes = 16;

    private readonly long _began = clock.GetTimestamp();
    private readonly Stripe[] _stripes = [.. Enumerable.Range(0, (int)BitOperations.RoundUpToPowerOf2((uint)Math.Min(Environment.ProcessorCount, MostStripes))).Select(static _ => new Stripe())];
    private readonly ConcurrentDictionary<string, long> _refused = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _errors = new(StringComparer.Ordinal);

    private sealed class Stripe
    {
        public readonly long[] Classes = new long[6];
        public readonly long[] Latency = new long[Kinds * LatencyBuckets.Count];
        public readonly long[] Microseconds = new long[Kinds];
    }

    /// <summary>Upper bounds in seconds of all classes of <see cref="Latency"/> but the last.</summary>
    public static IReadOnlyList<double> Bounds { get; } = [.. Enumerable.Range(FirstPower, LastPower - FirstPower + 1).Select(static p => (1L << p) / 1e6)];

    /// <summary>How long it has counted, whatever the wall clock did meanwhile.</summary>
    public TimeSpan Uptime => clock.GetElapsedTime(_began);

    public void Count(int status, long microseconds, string refusedFor, RequestKind kind)
    {
        var stripe = _stripes[Thread.GetCurrentProcessorId() & (_stripes.Length - 1)];
        Interlocked.Increment(ref stripe.Classes[Math.Clamp(status / 100, 0, 5)]);
        Interlocked.Increment(ref stripe.Latency[(int)kind * LatencyBuckets.Count + LatencyBuckets.Of(microseconds)]);
        Interlocked.Add(ref stripe.Microseconds[(int)kind], Math.Max(0, microseconds));
        if (refusedFor.Length > 0)
            CountRefused(refusedFor);
        if (status >= 500)
            _errors.AddOrUpdate(refusedFor.Length > 0 ? refusedFor : ReasonOf(status), 1, static (_, n) => n + 1);
    }

    // The reasons are words of ours, two dozen in all.
    public void CountRefused(string reason) => _refused.AddOrUpdate(reason, 1, static (_, n) => n + 1);

    private static string ReasonOf(int status) => status switch
    {
        500 => "internal",
        502 => "bad_gateway",
        503 => "unavailable",
        504 => "gateway_timeout",
        _ => "other",
    };

    public long Of(int statusClass)
    {
        long sum = 0;
        foreach (var stripe in _stripes)
            sum += Volatile.Read(ref stripe.Classes[statusClass]);
        return sum;
    }

    public long Total
    {
        get
        {
            long total = 0;
            for (var i = 0; i < 6; i++)
                total += Of(i);
            return total;
        }
    }

    public IReadOnlyDictionary<string, long> Refused => _refused;

    /// <summary>Answers of 500 and above, by the word of their reason.</summary>
    public IReadOnlyDictionary<string, long> Errors => _errors;

    /// <summary>How many answers fell into each class of <see cref="Bounds"/>, and into the one behind them; and what all took together.</summary>
    public (long[] Classes, double Seconds) Latency(RequestKind kind)
    {
        var classes = new long[LastPower - FirstPower + 2];
        long microseconds = 0;
        foreach (var stripe in _stripes)
        {
            microseconds += Volatile.Read(ref stripe.Microseconds[(int)kind]);
            for (var i = 0; i < LatencyBuckets.Count; i++)
                classes[Math.Clamp(LatencyBuckets.PowerOf(i) - FirstPower + 1, 0, classes.Length - 1)] += Volatile.Read(ref stripe.Latency[(int)kind * LatencyBuckets.Count + i]);
        }
        return (classes, microseconds / 1e6);
    }

    /// <summary>Milliseconds that so large a share of all answers took at most, but for streams, which take as long as somebody watches.</summary>
    public double Percentile(double share)
    {
        var buckets = new long[LatencyBuckets.Count];
        long total = 0;
        foreach (var stripe in _stripes)
        {
            for (var i = 0; i < stripe.Latency.Length; i++)
            {
                if (i / LatencyBuckets.Count == (int)RequestKind.Stream)
                    continue;
                var count = Volatile.Read(ref stripe.Latency[i]);
                buckets[i % LatencyBuckets.Count] += count;
                total += count;
            }
        }
        var wanted = (long)Math.Ceiling(total * share);
        long seen = 0;
        for (var i = 0; i < buckets.Length && total > 0; i++)
        {
            seen += buckets[i];
            if (seen >= wanted)
                return LatencyBuckets.UpperBound(i);
        }
        return 0;
    }
}
