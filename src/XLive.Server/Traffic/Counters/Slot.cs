using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;

namespace XLive.Server.Traffic.Counters;

/// <summary>
/// One user's counters, as they lie in memory and on disk:
///
///     0   epoch        never used twice; 0: nobody's
///     8   last         unix second of the last byte
///     16  since        unix second of the first byte that no cut has taken; 0: there is none
///     24  requests
///     32  bytes[16]    by file kind
///     160 crc          CRC-32C of epoch and uid
///     164 uid length
///     168 uid          UTF-8
///
/// Every number is one aligned word, so a reader sees it before or after an addition, never between. The counters of the common kinds
/// share a cache line with the epoch.
/// </summary>
internal readonly unsafe struct Slot(byte* at)
{
    public const int Size = 320;
    public const int MostUid = 128;

    private const int Requests = 24, Bytes = 32, CrcAt = 160, LengthAt = 164, UidAt = 168;

    public byte* Address => at;

    public ref long Epoch => ref Unsafe.AsRef<long>(at);
    public ref long Last => ref Unsafe.AsRef<long>(at + 8);
    public ref long Since => ref Unsafe.AsRef<long>(at + 16);

    /// <summary>The place in <see cref="Counts"/>.</summary>
    public ref long this[int count] => ref Unsafe.AsRef<long>(count == Counts.Kinds ? at + Requests : at + Bytes + count * 8);

    public Counts Read()
    {
        Counts counts = default;
        for (var i = 0; i < Counts.Length; i++)
            counts[i] = Volatile.Read(ref this[i]);
        return counts;
    }

    /// <summary>Of a slot that is all zero. The epoch comes last: until it is there the slot is nobody's.</summary>
    public void Open(long epoch, string uid)
    {
        var length = Encoding.UTF8.GetBytes(uid, new Span<byte>(at + UidAt, MostUid));
        *(ushort*)(at + LengthAt) = (ushort)length;
        *(uint*)(at + CrcAt) = Crc(epoch, new ReadOnlySpan<byte>(at + UidAt, length));
        Volatile.Write(ref Epoch, epoch);
    }

    /// <summary>From here on it is nobody's. The counters stay until that is on the disk.</summary>
    public void Close() => Volatile.Write(ref Epoch, 0);

    public void Clear() => new Span<byte>(at, Size).Clear();

    /// <summary>Of a process that is gone. False when the slot is nobody's; null uid when it was somebody's and is torn.</summary>
    public static bool TryRead(ReadOnlySpan<byte> slot, out LeftSlot left)
    {
        left = default;
        var epoch = BinaryPrimitives.ReadInt64LittleEndian(slot);
        if (epoch == 0)
            return false;
        Counts counts = default;
        for (var i = 0; i < Counts.Length; i++)
            counts[i] = BinaryPrimitives.ReadInt64LittleEndian(slot[(i == Counts.Kinds ? Requests : Bytes + i * 8)..]);
        int length = BinaryPrimitives.ReadUInt16LittleEndian(slot[LengthAt..]);
        var uid = slot.Slice(UidAt, Math.Min(length, MostUid));
        var isWhole = length is > 0 and <= MostUid && BinaryPrimitives.ReadUInt32LittleEndian(slot[CrcAt..]) == Crc(epoch, uid);
        left = new LeftSlot(isWhole ? Encoding.UTF8.GetString(uid) : null, epoch, counts,
            BinaryPrimitives.ReadInt64LittleEndian(slot[16..]), BinaryPrimitives.ReadInt64LittleEndian(slot[8..]));
        return true;
    }

    private static uint Crc(long epoch, ReadOnlySpan<byte> uid)
    {
        Span<byte> both = stackalloc byte[8 + MostUid];
        BinaryPrimitives.WriteInt64LittleEndian(both, epoch);
        uid.CopyTo(both[8..]);
        return CounterFile.Crc(both[..(8 + uid.Length)]);
    }
}

/// <summary>What a slot held when its process ended.</summary>
/// <param name="Uid">Null when the slot is torn: whose it was cannot be told.</param>
internal readonly record struct LeftSlot(string? Uid, long Epoch, Counts Counts, long Since, long Last);
