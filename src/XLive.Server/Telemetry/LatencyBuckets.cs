using System.Numerics;

namespace XLive.Server.Telemetry;

/// <summary>Times in classes, four to a power of two of microseconds: a percentile is off by a fifth at most, and counting one is a shift.</summary>
internal static class LatencyBuckets
{
    private const int PerPower = 4;

    public const int Count = 40 * PerPower;

    public static int Of(long microseconds)
    {
        if (microseconds < 1)
            return 0;
        var power = BitOperations.Log2((ulong)microseconds);
        var quarter = power < 2 ? 0 : (int)((microseconds >> (power - 2)) & 3);
        return Math.Min(Count - 1, power * PerPower + quarter);
    }

    /// <summary>Of two of microseconds: what is in the bucket is as much as that, and less than the next.</summary>
    public static int PowerOf(int bucket) => bucket / PerPower;

    /// <summary>Milliseconds.</summary>
    public static double UpperBound(int bucket) => Math.Pow(2, (bucket + 1) / (double)PerPower) / 1000;
}
