using XLive.Server.Storage;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Traffic;

/// <summary>The statements of a cut, each a row.</summary>
internal sealed class LedgerRows(Sqlite db)
{
    private readonly byte[] _taken = new byte[Counts.MostWritten];

    public Standing Load(string uid) => db.First("SELECT id, cumulative, waiting, due FROM users WHERE uid = $1", static row => (Standing?)Read(row, 0), uid)
        ?? Standing.Unknown;

    /// <summary>
    /// Users for whom something is due. What is due later than a day from now was put there before the wall clock was set back, and who knows
    /// how long it has waited.
    /// </summary>
    public List<(string Uid, Standing Standing)> Due(long now, int most) => db.Query("""
        SELECT uid, id, cumulative, waiting, due FROM users WHERE due <= $1
        UNION ALL SELECT uid, id, cumulative, waiting, due FROM users WHERE due > $2
        LIMIT $3
        """, static row => (row.Text(0), Read(row, 1)), now, now + (long)TrafficOptions.LongestWait.TotalSeconds, most);

    private static Standing Read(SqlRow row, int at) => new(row.Int64(at), row.Int64(at + 1), Waiting.Read(row.Bytes(at + 2)),
        row.IsNull(at + 3) ? null : row.Int64(at + 3));

    /// <summary>What of a left slot the ledger has already; null when it knows nothing of that slot.</summary>
    public Counts Taken(Standing standing, long epoch)
    {
        if (standing.Row == 0)
            return default;
        var taken = db.First("SELECT taken FROM users WHERE id = $1 AND epoch = $2", static row => row.Bytes(0), standing.Row, epoch);
        return taken is null ? default : ReadCounts(taken);
    }

    private static Counts ReadCounts(ReadOnlySpan<byte> from) => Counts.Read(ref from);

    /// <summary>The row with what waits, and how much of which slot that accounts for. The standing with its row, where it had none.</summary>
    public Standing Save(string uid, in Standing before, in Standing standing, long epoch, in Counts taken)
    {
        var takenBytes = SqlValue.Of(_taken, taken.Write(_taken));
        var waiting = WaitingBytes(standing);
        if (standing.Row == 0)
        {
            db.Execute("INSERT INTO users (uid, cumulative, epoch, taken, waiting_bytes, waiting, due) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                uid, standing.Cumulative, epoch, takenBytes, standing.Waiting.Counts.Bytes, waiting, Value(standing.Due));
            return standing with { Row = db.LastInsertedRow };
        }
        if (ReferenceEquals(before.Waiting, standing.Waiting) && before.Due == standing.Due)
        {
            // Nothing waited and nothing does: all of it is in the report. Of most users, at every cut.
            db.Execute("UPDATE users SET cumulative = $2, epoch = $3, taken = $4 WHERE id = $1", standing.Row, standing.Cumulative, epoch, takenBytes);
            return standing;
        }
        db.Execute("UPDATE users SET cumulative = $2, epoch = $3, taken = $4, waiting_bytes = $5, waiting = $6, due = $7 WHERE id = $1",
            standing.Row, standing.Cumulative, epoch, takenBytes, standing.Waiting.Counts.Bytes, waiting, Value(standing.Due));
        return standing;
    }

    /// <summary>Only what waits has changed.</summary>
    public void Save(in Standing standing) => db.Execute("UPDATE users SET cumulative = $2, waiting_bytes = $3, waiting = $4, due = $5 WHERE id = $1",
        standing.Row, standing.Cumulative, standing.Waiting.Counts.Bytes, WaitingBytes(standing), Value(standing.Due));

    private static byte[]? WaitingBytes(in Standing standing) => standing.Waiting.IsNothing ? null : standing.Waiting.Write();

    private static SqlValue Value(long? due) => due is { } at ? at : default(SqlValue);

    public void Add(long countedBytes, int newUids, bool cleanup) => db.Execute(
        "UPDATE node SET counted_bytes = counted_bytes + $1, recorded_uids = recorded_uids + $2, accumulator_cleanups = accumulator_cleanups + $3",
        countedBytes, newUids, cleanup);

    public void CloseWindow(long to) => db.Execute("UPDATE node SET window_to = $1", to);

    public long WindowTo => db.First("SELECT window_to FROM node", static row => row.Int64(0));

    public long Generation
    {
        get => db.First("SELECT generation FROM node", static row => row.Int64(0));
        set => db.Execute("UPDATE node SET generation = $1", value);
    }

    /// <summary>
    /// Bytes by which the books do not agree, which is 0: all that was taken is what was reported and what waits, and all that was reported
    /// is what was acknowledged and what lies in the outbox.
    /// </summary>
    public long Difference() => db.First("""
        SELECT abs(counted_bytes - coalesce((SELECT sum(cumulative + waiting_bytes) FROM users), 0))
            + abs(coalesce((SELECT sum(cumulative) FROM users), 0) - bytes_reported - coalesce((SELECT sum(bytes) FROM outbox), 0))
        FROM node
        """, static row => row.Int64(0));
}
