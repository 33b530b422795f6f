using System.Numerics;

namespace XLive.Fuzz.Engine;

/// <summary>
/// Random numbers that hang on the fuzzer's name, the seed and the input's number alone: any input can be made again by itself, on
/// whichever thread. SplitMix64, because System.Random takes longer to seed than an input takes to try.
/// </summary>
public sealed class Dice(ulong state)
{
    private ulong _state = state;

    public static Dice For(string fuzzer, ulong seed, long index)
    {
        // FNV-1a: string.GetHashCode differs from process to process.
        ulong name = 14695981039346656037;
        foreach (var c in fuzzer)
            name = (name ^ c) * 1099511628211;
        return new Dice(name ^ BitOperations.RotateLeft(seed * 0x9E3779B97F4A7C15, 17) ^ ((ulong)index * 0xD1342543DE82EF95));
    }

    public ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>0 to below the bound; 0 for a bound of 0.</summary>
    public int Below(int bound) => (int)(((Next() >> 32) * (ulong)bound) >> 32);

    public bool OneIn(int n) => Below(n) == 0;

    public T Pick<T>(ReadOnlySpan<T> from) => from[Below(from.Length)];

    public string Pick(params string[] from) => from[Below(from.Length)];

    public void Fill(Span<byte> bytes)
    {
        foreach (ref var b in bytes)
            b = (byte)Next();
    }

    /// <summary>A number where arithmetic goes wrong: around nothing, powers of two and ten, and beyond every width.</summary>
    public string Number()
    {
        switch (Below(8))
        {
            case 0:
                return Pick("0", "-0", "00", "1", "-1", "+1", "1e9", "1e999", "1.5", "0x10", "NaN", "Infinity");
            case 1:
                return Pick("9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
                    "99999999999999999999999999", "253402300799", "253402300800", "999999999999", "1000000000000");
            case 2:
                return new string('9', 1 + Below(40));
            case 3:
            case 4:
                return ((1UL << Below(64)) + (ulong)Below(3) - 1).ToString(System.Globalization.CultureInfo.InvariantCulture);
            default:
                return Below(1 << Below(20)).ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
    }
}
