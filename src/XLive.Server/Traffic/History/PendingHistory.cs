using XLive.Server.Storage;

namespace XLive.Server.Traffic.History;

/// <summary>
/// What the ledger has counted and the database has not been told yet: the table history_pending of traffic/ledger.db. A cut adds to it
/// in its own transaction; <see cref="HistoryMover"/> takes batches from its front. Numbers of batches only ever grow (AUTOINCREMENT),
/// also over removals, so that the database knows by the last number which it has had.
/// </summary>
public sealed class PendingHistory(Sqlite ledger)
{
    /// <summary>A step of the ledger's schema.</summary>
    public const string Table = """
        CREATE TABLE history_pending (
            batch INTEGER PRIMARY KEY AUTOINCREMENT,
            hour BIGINT NOT NULL,
            deltas BLOB NOT NULL
        );
        """;

    public int Count => (int)ledger.First("SELECT COUNT(*) FROM history_pending", static row => row.Int64(0));

    public long BlobBytes => ledger.First("SELECT COALESCE(SUM(LENGTH(deltas)), 0) FROM history_pending", static row => row.Int64(0));

    /// <summary>Within the transaction of a cut.</summary>
    /// <param name="hour">Unix seconds, a whole hour.</param>
    /// <param name="deltas">Each user once.</param>
    public void Add(long hour, IReadOnlyCollection<HistoryDelta> deltas)
    {
        if (hour % TrafficHistory.Hour != 0)
        {
            throw new ArgumentException("not a whole hour", nameof(hour));
        }
        if (deltas.Count > 0)
        {
            ledger.Execute("INSERT INTO history_pending (hour, deltas) VALUES ($1, $2)", hour, HistoryBlob.Write(deltas));
        }
    }

    public HistoryBatch? Oldest() => ledger.First("SELECT batch, hour, deltas FROM history_pending ORDER BY batch LIMIT 1",
        static row => new HistoryBatch(row.Int64(0), row.Int64(1), HistoryBlob.Read(row.Bytes(2))));

    public void Remove(long batch) => ledger.Execute("DELETE FROM history_pending WHERE batch = $1", batch);

    /// <summary>
    /// Numbers go on above what the database has had. Only a ledger that was put back from a copy is below, and what it then counts anew
    /// would be taken for what was counted after the copy.
    /// </summary>
    public void StartAbove(long batch) => ledger.Transaction(() =>
    {
        if (ledger.Execute("UPDATE sqlite_sequence SET seq = MAX(seq, $1) WHERE name = 'history_pending'", batch) == 0)
        {
            ledger.Execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('history_pending', $1)", batch);
        }
    });

    /// <summary>
    /// Makes one batch of all that are of the same hour, so that what waits for a database that stays away grows with users and hours
    /// and not with cuts. The oldest is left as it is: the database may have had it, without our having heard.
    /// </summary>
    public void Merge()
    {
        List<long> hours = ledger.Query(
            "SELECT hour FROM history_pending WHERE batch > (SELECT MIN(batch) FROM history_pending) GROUP BY hour HAVING COUNT(*) > 1",
            static row => row.Int64(0));
        foreach (long hour in hours)
        {
            ledger.Transaction(() => Merge(hour));
        }
    }

    private void Merge(long hour)
    {
        List<(long Id, byte[] Deltas)> batches = ledger.Query(
            "SELECT batch, deltas FROM history_pending WHERE hour = $1 AND batch > (SELECT MIN(batch) FROM history_pending) ORDER BY batch",
            static row => (row.Int64(0), row.Bytes(1)), hour);
        Dictionary<string, HistoryDelta> sum = new(StringComparer.Ordinal);
        foreach ((long id, byte[] deltas) in batches)
        {
            foreach (HistoryDelta delta in HistoryBlob.Read(deltas))
            {
                sum[delta.Uid] = sum.TryGetValue(delta.Uid, out HistoryDelta? known) ? known + delta : delta;
            }
            Remove(id);
        }
        Add(hour, sum.Values);
    }
}
