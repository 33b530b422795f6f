using System.Buffers;
using System.Text;

namespace XLive.Server.Traffic.History;

/// <summary>
/// The deltas of one batch as bytes in the ledger. Numbers are seven bits a byte, so a quiet user costs some twenty bytes. Of the kinds
/// only those that are not zero stand there, each with its number.
/// </summary>
internal static class HistoryBlob
{
    private const byte Form = 1;

    public static byte[] Write(IReadOnlyCollection<HistoryDelta> deltas)
    {
        ArrayBufferWriter<byte> into = new(32 * deltas.Count + 16);
        Number(into, Form);
        Number(into, deltas.Count);
        foreach (HistoryDelta delta in deltas)
        {
            int length = Encoding.UTF8.GetByteCount(delta.Uid);
            Number(into, length);
            into.Advance(Encoding.UTF8.GetBytes(delta.Uid, into.GetSpan(length)));
            Number(into, delta.Requests);
            Number(into, delta.Bytes.AsSpan().Length - delta.Bytes.AsSpan().Count(0L));
            for (int kind = 0; kind < delta.Bytes.Length; kind++)
            {
                if (delta.Bytes[kind] != 0)
                {
                    Number(into, kind);
                    Number(into, delta.Bytes[kind]);
                }
            }
        }
        return into.WrittenSpan.ToArray();
    }

    public static List<HistoryDelta> Read(ReadOnlySpan<byte> from)
    {
        if (Number(ref from) != Form)
        {
            throw new InvalidDataException("the ledger holds history in a form of a newer XLive");
        }
        long count = Number(ref from);
        List<HistoryDelta> deltas = new((int)Math.Min(count, from.Length / 4));
        for (long i = 0; i < count; i++)
        {
            string uid = Encoding.UTF8.GetString(Taken(ref from, Number(ref from)));
            long requests = Number(ref from);
            long[] bytes = new long[FileKinds.Count];
            for (long kinds = Number(ref from); kinds > 0; kinds--)
            {
                long kind = Number(ref from);
                long value = Number(ref from);
                // A kind that a newer version had a word for: its bytes count all the same.
                bytes[kind < bytes.Length ? kind : 0] += value;
            }
            deltas.Add(new HistoryDelta(uid, requests, bytes));
        }
        return from.IsEmpty ? deltas : throw Broken();
    }

    private static void Number(ArrayBufferWriter<byte> into, long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        Span<byte> span = into.GetSpan(9);
        int at = 0;
        for (; value >= 0x80; value >>= 7)
        {
            span[at++] = (byte)(value | 0x80);
        }
        span[at++] = (byte)value;
        into.Advance(at);
    }

    private static long Number(ref ReadOnlySpan<byte> from)
    {
        long value = 0;
        for (int shift = 0; shift < 63; shift += 7)
        {
            byte next = Taken(ref from, 1)[0];
            value |= (long)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
        throw Broken();
    }

    private static ReadOnlySpan<byte> Taken(ref ReadOnlySpan<byte> from, long length)
    {
        if (length > from.Length)
        {
            throw Broken();
        }
        ReadOnlySpan<byte> taken = from[..(int)length];
        from = from[(int)length..];
        return taken;
    }

    private static InvalidDataException Broken() => new("a batch of history in the ledger is broken");
}
