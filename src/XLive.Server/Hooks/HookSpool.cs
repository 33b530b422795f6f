using XLive.Server.Storage;

namespace XLive.Server.Hooks;

/// <summary>An event in the spool, without its body.</summary>
/// <param name="Dead">Why it was given up; null while it waits.</param>
/// <param name="Said">What came of the last attempt.</param>
public sealed record HookEntry(
    long Sequence, string Id, string Event, string Lane, long Bytes, DateTimeOffset Made, string? Dead, int Attempts, DateTimeOffset? Attempted, string Said);

/// <param name="Bytes">Of all bodies, given up ones too.</param>
/// <param name="Oldest">When the oldest that waits was told.</param>
public sealed record HookDepth(int Waiting, int Dead, long Bytes, DateTimeOffset? Oldest)
{
    public int Count => Waiting + Dead;
}

internal sealed record SpooledEvent(long Sequence, string Id, string Event, byte[] Body, DateTimeOffset Made);

/// <summary>
/// hooks.db below data.dir: events that the site has not taken yet, and those that were given up. Full, it takes no further ones: the order
/// of what it has is worth more than the latest. Calls block on the disk.
/// </summary>
public sealed class HookSpool : IDisposable
{
    public const string FileName = "hooks.db";

    /// <summary>A day without a site, at one event in two seconds.</summary>
    public const int MostEvents = 50_000;

    public const long MostBytes = 32 << 20;

    /// <summary>Of those that were given up; the oldest go. There must be room for others.</summary>
    public const int MostDead = 10_000;

    private static readonly string[] s_steps =
    [
        """
        CREATE TABLE events (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            event_id TEXT NOT NULL UNIQUE,
            event TEXT NOT NULL,
            lane TEXT NOT NULL,
            body BLOB NOT NULL,
            made BIGINT NOT NULL,
            attempts BIGINT NOT NULL DEFAULT 0,
            attempted BIGINT,
            said TEXT NOT NULL DEFAULT '',
            dead TEXT                              -- why
        );
        CREATE INDEX events_dead ON events (seq) WHERE dead IS NOT NULL;
        """,
    ];

    private readonly Sqlite _db;
    private readonly TimeProvider _clock;

    // The sender's alone, but for the flag.
    private int _count;
    private long _bytes;
    private long _mark;
    private volatile bool _changed = true;

    private HookSpool(Sqlite db, TimeProvider clock) => (_db, _clock) = (db, clock);

    /// <summary>An operator has changed it. On his thread; a command beside the server tells nobody.</summary>
    internal Action? Changed { get; set; }

    /// <summary>By an operator, since this was asked last.</summary>
    internal bool HasChanged()
    {
        var mark = _db.ChangeMark;
        if (!_changed && mark == _mark)
            return false;
        (_changed, _mark) = (false, mark);
        var depth = Depth();
        (_count, _bytes) = (depth.Count, depth.Bytes);
        return true;
    }

    private bool Change(bool isDone)
    {
        if (isDone)
        {
            _changed = true;
            Changed?.Invoke();
        }
        return isDone;
    }

    public static HookSpool Open(string path, TimeProvider clock)
    {
        var db = Sqlite.Open(path);
        try
        {
            // An event outlives the process, kill -9 too, and is not worth a disk's flush each: what a power cut takes was told in its last moments.
            db.Script("PRAGMA synchronous = NORMAL");
            SqliteLog.Mend(db, path, null);
            Migrations.Apply(db, s_steps);
            return new HookSpool(db, clock);
        }
        catch
        {
            db.Dispose();
            throw;
        }
    }

    /// <returns>For each, its place in the order; 0: there was no room.</returns>
    internal List<long> Put(IReadOnlyList<HookEvent> events)
    {
        var (count, bytes) = (_count, _bytes);
        List<long> places = [];
        _db.Transaction(() =>
        {
            foreach (var e in events)
            {
                if (count >= MostEvents || bytes + e.Body.Length > MostBytes)
                {
                    places.Add(0);
                    continue;
                }
                _db.Execute("INSERT INTO events (event_id, event, lane, body, made) VALUES ($1, $2, $3, $4, $5)", e.Id, e.Kind.Word, e.Lane, e.Body, _clock.GetUtcNow());
                places.Add(_db.LastInsertedRow);
                (count, bytes) = (count + 1, bytes + e.Body.Length);
            }
        });
        (_count, _bytes) = (count, bytes);
        return places;
    }

    /// <summary>All that waits, in order.</summary>
    internal List<(long Sequence, string Lane)> Waiting() =>
        _db.Query("SELECT seq, lane FROM events WHERE dead IS NULL ORDER BY seq", static row => (row.Int64(0), row.Text(1)));

    /// <summary>Null: it is gone, or given up.</summary>
    internal SpooledEvent? Find(long sequence) => _db.First("SELECT seq, event_id, event, body, made FROM events WHERE seq = $1 AND dead IS NULL",
        static row => new SpooledEvent(row.Int64(0), row.Text(1), row.Text(2), row.Bytes(3), row.Time(4)), sequence);

    internal void Taken(SpooledEvent e)
    {
        if (_db.Execute("DELETE FROM events WHERE seq = $1", e.Sequence) == 1)
            (_count, _bytes) = (_count - 1, _bytes - e.Body.Length);
    }

    /// <param name="dead">Why no further attempt is made; null: one is.</param>
    internal void Failed(long sequence, string said, string? dead)
    {
        _db.Execute("UPDATE events SET attempts = attempts + 1, attempted = $2, said = $3, dead = $4 WHERE seq = $1", sequence, _clock.GetUtcNow(), said, dead);
        if (dead is not null)
            BoundDead();
    }

    /// <summary>Gives up all that was told before a time.</summary>
    /// <returns>How many.</returns>
    internal int GiveUp(DateTimeOffset before, string why)
    {
        var count = _db.Execute("UPDATE events SET dead = $2 WHERE dead IS NULL AND made < $1", before, why);
        if (count > 0)
            BoundDead();
        return count;
    }

    private void BoundDead()
    {
        if (_db.Execute("DELETE FROM events WHERE dead IS NOT NULL AND seq <= (SELECT seq FROM events WHERE dead IS NOT NULL ORDER BY seq DESC LIMIT 1 OFFSET $1)", MostDead) > 0)
            _changed = true;
    }

    internal int CountDead() => (int)_db.First("SELECT count(*) FROM events WHERE dead IS NOT NULL", static row => row.Int64(0));

    internal void Transaction(Action work)
    {
        try
        {
            _db.Transaction(work);
        }
        catch
        {
            _changed = true; // counted, and not done
            throw;
        }
    }

    /// <summary>One that was given up is sent again, at its place in the order, with a day before it. False when there is none of that id.</summary>
    public bool Replay(string id) =>
        Change(_db.Execute("UPDATE events SET dead = NULL, made = $2 WHERE event_id = $1 AND dead IS NOT NULL", id, _clock.GetUtcNow()) == 1);

    /// <summary>One that was given up is forgotten.</summary>
    public bool Drop(string id) => Change(_db.Execute("DELETE FROM events WHERE event_id = $1 AND dead IS NOT NULL", id) == 1);

    public byte[]? BodyOf(string id) => _db.First("SELECT body FROM events WHERE event_id = $1", static row => row.Bytes(0), id);

    /// <summary>In order, from the first after a sequence.</summary>
    public List<HookEntry> List(int most, long after = 0) => _db.Query(
        "SELECT seq, event_id, event, lane, length(body), made, dead, attempts, attempted, said FROM events WHERE seq > $1 ORDER BY seq LIMIT $2",
        static row => new HookEntry(row.Int64(0), row.Text(1), row.Text(2), row.Text(3), row.Int64(4), row.Time(5), row.TextOrNull(6),
            (int)row.Int64(7), row.IsNull(8) ? null : row.Time(8), row.Text(9)), after, most);

    public HookDepth Depth() => _db.First(
        "SELECT count(*) - count(dead), count(dead), coalesce(sum(length(body)), 0), min(CASE WHEN dead IS NULL THEN made END) FROM events",
        static row => new HookDepth((int)row.Int64(0), (int)row.Int64(1), row.Int64(2), row.IsNull(3) ? null : row.Time(3)))!;

    public void Dispose() => _db.Dispose();
}
