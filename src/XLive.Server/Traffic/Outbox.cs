using XLive.Server.Storage;

namespace XLive.Server.Traffic;

/// <summary>
/// Reports that were cut and that nobody has acknowledged. They are put in by the cut itself, in its own transaction; what becomes of one
/// and the counters that tell of it are one transaction too. Calls block on the disk.
/// </summary>
public sealed class Outbox
{
    /// <summary>
    /// Beyond this no further reports are cut: what they would have held waits in the ledger, a row a user, and goes out in larger windows
    /// later. 7 days without a receiver must not fill the disk: at 10,000 users that would be 5 GB of reports.
    /// </summary>
    public const long MostBytes = 64 << 20;

    private readonly Sqlite _db;
    private readonly TimeProvider _clock;

    internal Outbox(Sqlite db, TimeProvider clock) => (_db, _clock) = (db, clock);

    /// <summary>There may be something to post. Called on the thread that cut, or that an operator's call came on.</summary>
    public Action? Filled { get; set; }

    /// <summary>A report's id, and why nobody will take it. On the reporter's thread.</summary>
    public Action<string, string>? Parked { get; set; }

    /// <summary>The next to be posted. Parked ones are passed over.</summary>
    public Report? Oldest() => _db.First("SELECT seq, report_id, body, bytes, attempts FROM outbox WHERE parked IS NULL ORDER BY seq LIMIT 1",
        static row => new Report(row.Int64(0), row.Text(1), row.Bytes(2), row.Int64(3), (int)row.Int64(4)));

    public void Acknowledge(Report report) => _db.Transaction(() =>
    {
        // Acknowledged twice counts once.
        if (_db.Execute("DELETE FROM outbox WHERE seq = $1", report.Sequence) == 1)
            _db.Execute("UPDATE node SET reports_sent = reports_sent + 1, bytes_reported = bytes_reported + $1", report.Bytes);
    });

    /// <summary>It stays where it is, and is posted again.</summary>
    public void Failed(Report report, string said) => Attempted(report, said, parked: null);

    /// <summary>The receiver will never take it as it is: an operator must look.</summary>
    public void Park(Report report, string why)
    {
        Attempted(report, why, parked: why);
        Parked?.Invoke(report.Id, why);
    }

    private void Attempted(Report report, string said, string? parked) => _db.Transaction(() =>
    {
        _db.Execute("UPDATE outbox SET attempts = attempts + 1, attempted = $2, said = $3, parked = $4 WHERE seq = $1",
            report.Sequence, _clock.GetUtcNow(), said, parked);
        _db.Execute("UPDATE node SET reports_failed = reports_failed + 1");
    });

    /// <summary>A parked one is posted again, at its place in the order. False when there is none of that name.</summary>
    public bool Replay(string id)
    {
        var found = _db.Execute("UPDATE outbox SET parked = NULL WHERE report_id = $1 AND parked IS NOT NULL", id) == 1;
        if (found)
            Filled?.Invoke();
        return found;
    }

    public Report? Find(string id) => _db.First("SELECT seq, report_id, body, bytes, attempts FROM outbox WHERE report_id = $1",
        static row => new Report(row.Int64(0), row.Text(1), row.Bytes(2), row.Int64(3), (int)row.Int64(4)), id);

    /// <summary>In order, from the first after a sequence.</summary>
    public List<ReportEntry> List(int most, long after = 0) => _db.Query(
        "SELECT seq, report_id, bytes, items, length(body), made, parked, attempts, attempted, said FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2",
        static row => new ReportEntry(row.Int64(0), row.Text(1), row.Int64(2), (int)row.Int64(3), row.Int64(4), row.Time(5), row.TextOrNull(6),
            (int)row.Int64(7), row.IsNull(8) ? null : row.Time(8), row.Text(9)), after, most);

    public OutboxDepth Depth() => _db.First(
        "SELECT count(*) - count(parked), count(parked), coalesce(sum(length(body)), 0), min(CASE WHEN parked IS NULL THEN made END) FROM outbox",
        static row => new OutboxDepth((int)row.Int64(0), (int)row.Int64(1), row.Int64(2), row.IsNull(3) ? null : row.Time(3)))!;

    internal void Put(string id, SqlValue body, long bytes, int items) => _db.Execute(
        "INSERT INTO outbox (report_id, body, bytes, items, made) VALUES ($1, $2, $3, $4, $5)", id, body, bytes, items, _clock.GetUtcNow());
}
