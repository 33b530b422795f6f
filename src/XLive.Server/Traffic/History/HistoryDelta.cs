namespace XLive.Server.Traffic.History;

/// <summary>What a user took within one hour (UTC) since the ledger last said so.</summary>
/// <param name="Bytes">By <see cref="FileKind"/>; shorter than there are kinds where the rest is zero.</param>
public sealed record HistoryDelta(string Uid, long Requests, long[] Bytes)
{
    public long Total
    {
        get
        {
            long sum = 0;
            foreach (long bytes in Bytes)
            {
                sum += bytes;
            }
            return sum;
        }
    }

    public static HistoryDelta operator +(HistoryDelta a, HistoryDelta b)
    {
        long[] bytes = new long[Math.Max(a.Bytes.Length, b.Bytes.Length)];
        a.Bytes.CopyTo(bytes, 0);
        for (int i = 0; i < b.Bytes.Length; i++)
        {
            bytes[i] += b.Bytes[i];
        }
        return new HistoryDelta(a.Uid, a.Requests + b.Requests, bytes);
    }
}

/// <summary>One entry of the queue: each user at most once, all of the same hour.</summary>
/// <param name="Hour">Unix seconds of its start.</param>
public sealed record HistoryBatch(long Id, long Hour, IReadOnlyList<HistoryDelta> Deltas);
