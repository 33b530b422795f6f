using System.Buffers;
using System.Text;
using XLive.Server.Storage;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Traffic;

/// <summary>What a cut took of a user. Below zero where he was given back more than he took since the cut before.</summary>
public readonly record struct HistoryDelta(string Uid, Counts Counts);

/// <summary>What one cut took, all of it within one UTC hour.</summary>
/// <param name="Number">Never used twice in the life of this ledger: with the node's name it tells whether a batch was added already.</param>
public sealed record HistoryBatch(string Node, long Number, DateTimeOffset Hour, IReadOnlyList<HistoryDelta> Deltas);

/// <summary>
/// Batches on their way into the history, which may be a database far away. The cut writes one in its own transaction. Whoever moves them
/// adds a batch there together with its node and number, in one transaction, and then forgets it here: dying in between, it comes again
/// and is known by its number. Calls block on the disk.
/// </summary>
public sealed class HistoryPending
{
    // A database that is away for a day leaves 24 batches of hours and these, whatever the report interval.
    private const int MostBatches = 64;

    private readonly Sqlite _db;
    private readonly string _node;

    internal HistoryPending(Sqlite db, string node) => (_db, _node) = (db, node);

    internal string Node => _node;

    /// <summary>Called on the thread that cut.</summary>
    public Action? Filled { get; set; }

    public HistoryBatch? Oldest() => _db.First("SELECT batch, hour, deltas FROM history_pending ORDER BY batch LIMIT 1",
        row => new HistoryBatch(_node, row.Int64(0), row.Time(1), Read(row.Bytes(2))));

    public void Forget(HistoryBatch batch) => _db.Execute("DELETE FROM history_pending WHERE batch = $1", batch.Number);

    public (int Batches, long Bytes) Depth() =>
        _db.First("SELECT count(*), coalesce(sum(length(deltas)), 0) FROM history_pending", static row => ((int)row.Int64(0), row.Int64(1)));

    /// <summary>
    /// Numbers go on above what the history has had. Only a ledger that was put back from a copy is below, and what it counts from then on
    /// would be taken for what was counted after the copy.
    /// </summary>
    internal void StartAbove(long number) => _db.Transaction(() =>
    {
        if (_db.Execute("UPDATE sqlite_sequence SET seq = max(seq, $1) WHERE name = 'history_pending'", number) == 0)
            _db.Execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('history_pending', $1)", number);
    });

    internal void Put(long hour, ArrayBufferWriter<byte> deltas) =>
        _db.Execute("INSERT INTO history_pending (hour, deltas) VALUES ($1, $2)", hour, SqlValue.Of(deltas));

    internal static void Write(ArrayBufferWriter<byte> to, string uid, in Counts counts)
    {
        var span = to.GetSpan(Varint.Most + Encoding.UTF8.GetMaxByteCount(uid.Length) + Counts.MostWritten);
        var at = Varint.Write(span, (ulong)Encoding.UTF8.GetByteCount(uid));
        at += Encoding.UTF8.GetBytes(uid, span[at..]);
        at += counts.Write(span[at..]);
        to.Advance(at);
    }

    private static List<HistoryDelta> Read(ReadOnlySpan<byte> from)
    {
        List<HistoryDelta> deltas = [];
        while (from.Length > 0)
        {
            var length = (int)Varint.Read(ref from);
            var uid = Encoding.UTF8.GetString(from[..length]);
            from = from[length..];
            deltas.Add(new HistoryDelta(uid, Counts.Read(ref from)));
        }
        return deltas;
    }

    /// <summary>
    /// Batches of one hour become one, with a number of its own. The oldest stays as it is: somebody may be moving it. Within a
    /// transaction.
    /// </summary>
    internal void Merge()
    {
        if (_db.First("SELECT count(*) FROM history_pending", static row => row.Int64(0)) < MostBatches)
            return;
        var hours = _db.Query("""
            SELECT hour FROM history_pending WHERE batch > (SELECT min(batch) FROM history_pending) GROUP BY hour HAVING count(*) > 1 ORDER BY hour
            """, static row => row.Int64(0));
        foreach (var hour in hours)
        {
            var merged = new Dictionary<string, Counts>(StringComparer.Ordinal);
            var batches = _db.Query("""
                SELECT batch, deltas FROM history_pending WHERE hour = $1 AND batch > (SELECT min(batch) FROM history_pending) ORDER BY batch
                """, static row => (Number: row.Int64(0), Deltas: row.Bytes(1)), hour);
            foreach (var (number, deltas) in batches)
            {
                foreach (var delta in Read(deltas))
                    merged[delta.Uid] = merged.GetValueOrDefault(delta.Uid) + delta.Counts;
                _db.Execute("DELETE FROM history_pending WHERE batch = $1", number);
            }
            var together = new ArrayBufferWriter<byte>();
            foreach (var (uid, counts) in merged)
                Write(together, uid, counts);
            Put(hour, together);
        }
    }
}
