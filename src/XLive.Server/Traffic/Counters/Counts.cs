using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace XLive.Server.Traffic.Counters;

/// <summary>Bytes by file kind, and requests: a slot's totals, or a difference of two, which may be below zero where bytes were given back.</summary>
[InlineArray(Length)]
public struct Counts : IEquatable<Counts>
{
    /// <summary>What a slot has room for. More than there are kinds, so that a new one needs no new form of file.</summary>
    public const int Kinds = 16;

    public const int Length = Kinds + 1;

    private long _first;

    public long Requests
    {
        readonly get => this[Kinds];
        set => this[Kinds] = value;
    }

    public readonly long Bytes
    {
        get
        {
            ref readonly var first = ref this[0];
            return Vector512.Sum(Vector512.LoadUnsafe(in first) + Vector512.LoadUnsafe(in first, 8));
        }
    }

    public readonly bool IsZero => ((ReadOnlySpan<long>)this).IndexOfAnyExcept(0) < 0;

    public readonly bool Equals(Counts other) => ((ReadOnlySpan<long>)this).SequenceEqual(other);

    public override readonly bool Equals(object? obj) => obj is Counts other && Equals(other);

    public override readonly int GetHashCode() => HashCode.Combine(Requests, Bytes);

    public static Counts operator +(in Counts a, in Counts b)
    {
        Unsafe.SkipInit(out Counts sum);
        (Vector512.LoadUnsafe(in a[0]) + Vector512.LoadUnsafe(in b[0])).StoreUnsafe(ref sum[0]);
        (Vector512.LoadUnsafe(in a[8]) + Vector512.LoadUnsafe(in b[8])).StoreUnsafe(ref sum[8]);
        sum[Kinds] = a[Kinds] + b[Kinds];
        return sum;
    }

    public static Counts operator -(in Counts a, in Counts b)
    {
        Unsafe.SkipInit(out Counts rest);
        (Vector512.LoadUnsafe(in a[0]) - Vector512.LoadUnsafe(in b[0])).StoreUnsafe(ref rest[0]);
        (Vector512.LoadUnsafe(in a[8]) - Vector512.LoadUnsafe(in b[8])).StoreUnsafe(ref rest[8]);
        rest[Kinds] = a[Kinds] - b[Kinds];
        return rest;
    }

    /// <summary>What can be reported of it: a kind below zero is a debt, which later bytes of that kind pay.</summary>
    public readonly Counts Payable
    {
        get
        {
            Unsafe.SkipInit(out Counts payable);
            Vector512.Max(Vector512.LoadUnsafe(in this[0]), Vector512<long>.Zero).StoreUnsafe(ref payable[0]);
            Vector512.Max(Vector512.LoadUnsafe(in this[8]), Vector512<long>.Zero).StoreUnsafe(ref payable[8]);
            payable[Kinds] = Math.Max(0, this[Kinds]);
            return payable;
        }
    }

    public const int MostWritten = 3 + 10 * Length;

    /// <summary>A bit for each that is not zero, then those: most users have two or three kinds.</summary>
    public readonly int Write(Span<byte> to)
    {
        uint present = 0;
        for (var i = 0; i < Length; i++)
            present |= this[i] != 0 ? 1u << i : 0;
        var at = Varint.Write(to, present);
        for (var i = 0; i < Length; i++)
        {
            if (this[i] is not 0 and var value)
                at += Varint.Write(to[at..], Varint.ZigZag(value));
        }
        return at;
    }

    public static Counts Read(ref ReadOnlySpan<byte> from)
    {
        var present = Varint.Read(ref from);
        Counts counts = default;
        for (var i = 0; i < Length; i++)
        {
            if ((present >> i & 1) != 0)
                counts[i] = Varint.ZagZig(Varint.Read(ref from));
        }
        return counts;
    }
}
