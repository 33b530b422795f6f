namespace XLive.Server.Traffic.Counters;

/// <summary>Numbers in the ledger's blobs: LEB128, signed ones zigzagged, as protobuf has them.</summary>
internal static class Varint
{
    public const int Most = 10;

    public static ulong ZigZag(long value) => (ulong)(value << 1 ^ value >> 63);

    public static long ZagZig(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    public static int Write(Span<byte> to, ulong value)
    {
        var at = 0;
        for (; value >= 0x80; value >>= 7)
            to[at++] = (byte)(value | 0x80);
        to[at] = (byte)value;
        return at + 1;
    }

    public static ulong Read(ref ReadOnlySpan<byte> from)
    {
        ulong value = 0;
        for (var i = 0; i < Most; i++)
        {
            if (i >= from.Length)
                break;
            value |= (ulong)(from[i] & 0x7f) << (7 * i);
            if (from[i] < 0x80)
            {
                from = from[(i + 1)..];
                return value;
            }
        }
        throw new InvalidDataException("a number in the ledger does not end");
    }
}
