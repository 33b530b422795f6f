using XLive.Server.Storage;

namespace XLive.Server.Traffic.Quotas;

/// <summary>What the receiver of the reports said of users: blocked ones, and quotas of their own. In the ledger, so that a restart forgets none.</summary>
public sealed class Verdicts
{
    // A receiver has said it, but a bound it needs all the same: this many rows and names in memory are 30 MB.
    internal const int Most = 200_000;

    private readonly Sqlite _db;
    private readonly Lock _gate = new();
    private volatile Dictionary<string, (bool Blocked, long? Bytes)> _of = new(StringComparer.Ordinal);

    internal Verdicts(Sqlite db)
    {
        _db = db;
        foreach (var (uid, blocked, bytes) in db.Query("SELECT uid, blocked, quota FROM verdicts",
            static row => (row.Text(0), row.Int64(1) != 0, row.IsNull(2) ? (long?)null : row.Int64(2))))
            _of[uid] = (blocked, bytes);
    }

    public int Count => _of.Count;

    /// <summary>Said of users beyond the bound, and not kept.</summary>
    public long Dropped { get; private set; }

    public bool IsBlocked(string uid) => _of.TryGetValue(uid, out var said) && said.Blocked;

    public long? Quota(string uid) => _of.TryGetValue(uid, out var said) ? said.Bytes : null;

    /// <summary>Another one after each change.</summary>
    internal object Mark => _of;

    /// <summary>Told after each change.</summary>
    public Action? Changed { get; set; }

    internal void Take(Acknowledgement said)
    {
        if (said.IsEmpty)
            return;
        lock (_gate)
        {
            var next = new Dictionary<string, (bool Blocked, long? Bytes)>(_of, StringComparer.Ordinal);
            var changed = new HashSet<string>(StringComparer.Ordinal);
            foreach (var uid in said.Blocked)
                Set(uid, true, next.GetValueOrDefault(uid).Bytes);
            foreach (var uid in said.Unblocked)
                Set(uid, false, next.GetValueOrDefault(uid).Bytes);
            foreach (var (uid, bytes) in said.Quota)
                Set(uid, next.GetValueOrDefault(uid).Blocked, bytes);
            if (changed.Count == 0)
                return;
            _db.Transaction(() =>
            {
                foreach (var uid in changed)
                {
                    if (next.TryGetValue(uid, out var now))
                        _db.Execute("INSERT INTO verdicts (uid, blocked, quota) VALUES ($1, $2, $3) ON CONFLICT (uid) DO UPDATE SET blocked = $2, quota = $3",
                            uid, now.Blocked, now.Bytes is { } bytes ? bytes : default(SqlValue));
                    else
                        _db.Execute("DELETE FROM verdicts WHERE uid = $1", uid);
                }
            });
            _of = next;

            void Set(string uid, bool blocked, long? bytes)
            {
                if (next.TryGetValue(uid, out var old) ? old == (blocked, bytes) : !blocked && bytes is null)
                    return;
                if (!blocked && bytes is null)
                    next.Remove(uid);
                else if (next.Count < Most || next.ContainsKey(uid))
                    next[uid] = (blocked, bytes);
                else
                {
                    Dropped++;
                    return;
                }
                changed.Add(uid);
            }
        }
        Changed?.Invoke();
    }
}
