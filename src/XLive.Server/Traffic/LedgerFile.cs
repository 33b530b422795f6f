using System.Security.Cryptography;
using XLive.Server.Storage;

namespace XLive.Server.Traffic;

/// <summary>
/// traffic/ledger.db below data.dir: what every user was reported, what of him waits, the reports nobody has taken yet. A damaged one is
/// never replaced by an empty one: that would report again what was reported, or never what was not.
/// </summary>
public sealed class LedgerFile : IDisposable
{
    // What a cut of 20,000 users writes. In SQLite's own 2 MiB their reports push the users' rows out, to be read again for the next.
    private const int CacheKiB = 8192;

    private readonly Sqlite _db;

    private LedgerFile(Sqlite db, string node, TimeProvider clock)
    {
        _db = db;
        Node = node;
        Outbox = new Outbox(db, clock);
        History = new HistoryPending(db, node);
    }

    /// <summary>This data directory's name in reports. Stands in the ledger, for what was reported cumulatively was so under this name.</summary>
    public string Node { get; }

    public Outbox Outbox { get; }

    public HistoryPending History { get; }

    internal Sqlite Db => _db;

    public static LedgerFile Open(string path, TimeProvider clock) => Open(path, vfs: null, writeAgain: null, clock);

    /// <param name="writeAgain">As <see cref="SqliteLog.Mend"/> has it.</param>
    internal static LedgerFile Open(string path, string? vfs, Action<string>? writeAgain, TimeProvider clock)
    {
        Sqlite? db = null;
        try
        {
            db = Sqlite.Open(path, vfs);
            db.Script($"PRAGMA cache_size = -{CacheKiB}");
            SqliteLog.Mend(db, path, writeAgain);
            Migrations.Apply(db, LedgerSchema.Steps);
            if (db.First("SELECT name FROM node", static row => row.Text(0)) is not { } node)
            {
                node = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
                db.Execute("INSERT INTO node (name) VALUES ($1)", node);
            }
            return new LedgerFile(db, node, clock);
        }
        catch (Exception e) when (e is DatabaseException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            db?.Dispose();
            throw new LedgerFault(path, e);
        }
    }

    /// <summary>Read in the background, in one glance.</summary>
    public TrafficTotals Totals(long qualified) => _db.First(
        "SELECT recorded_uids, reports_sent, bytes_reported, reports_failed, accumulator_cleanups FROM node",
        row => new TrafficTotals(row.Int64(0), row.Int64(1), row.Int64(2), qualified, row.Int64(3), row.Int64(4)))!;

    public void Dispose() => _db.Dispose();
}

/// <summary>The ledger cannot be used, and the server must not start without it.</summary>
public sealed class LedgerFault(string path, Exception cause) : IOException(Words(path, cause), cause)
{
    private static string Words(string path, Exception cause) => (cause as DatabaseException)?.Fault switch
    {
        DatabaseFault.Damaged => $"{path} is damaged ({cause.Message}). It says what was reported and what was not, so nothing was changed "
            + "and no new one made. Put a backup in its place, or move it away with the counters beside it: docs/traffic.md says what that costs.",
        DatabaseFault.ReadOnly or DatabaseFault.Away or DatabaseFault.Full =>
            $"{path} cannot be written ({cause.Message}): what viewers take could not be kept.",
        _ => $"{path}: {cause.Message}",
    };
}
