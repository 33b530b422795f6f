using XLive.Server.Telemetry;

namespace XLive.Server.Traffic.Quotas;

/// <summary>
/// Looks once a second who has taken what he may in this period, or may take nothing at all, and tells his account: transfers that run
/// end at their next call or are held back, new requests are refused. What a user has taken is what the ledger and his counters know, less
/// what they knew when the period began for him; so a restart, kill -9 too, changes nothing.
/// </summary>
public sealed class QuotaWatch(Ledger ledger, UserMeters meters, Verdicts verdicts, Func<QuotaOptions> options, TimeProvider clock, Supervisor supervisor)
    : Microsoft.Extensions.Hosting.IHostedService, IDisposable
{
    // Enough for who plays in an hour. Of others the rows tell again.
    private const int Most = 200_000;

    private static readonly Quota Unlimited = new() { Bytes = 0 };

    private readonly QuotaPeriods _periods = new(ledger.Db);
    private readonly Lock _gate = new();

    // The watch's own, but for new accounts, which only look.
    private volatile Over _over = new(-1, new(StringComparer.Ordinal));
    private SupervisedLoop? _loop;
    private object? _judgedBy;

    private sealed record Over(long Period, HashSet<string> Uids);

    /// <summary>A user has used his quota up, or has one again before the period is over. On the watch's thread.</summary>
    public Action<string, bool>? Turned { get; set; }

    /// <summary>Users over their quota now.</summary>
    public int OverCount => _over.Uids.Count;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var quota = options().Quota ?? Unlimited;
        var period = At(quota).Period;
        _over = new(period, StillOver(quota, period));
        _judgedBy = (quota, verdicts.Mark);
        meters.Opening = Judge;
        verdicts.Changed = Look;
        _loop = supervisor.Every("quotas", TimeSpan.FromSeconds(1), Look);
        return Task.CompletedTask;
    }

    private QuotaPeriods.InForce At(Quota quota) => _periods.At(quota, clock.GetUtcNow().ToUnixTimeSeconds());

    private long Allowed(string uid, Quota quota) => verdicts.Quota(uid) ?? (quota.Bytes > 0 ? quota.Bytes : long.MaxValue);

    /// <summary>
    /// Of those who had used theirs up, who has by what holds now. Users who are away are in nobody's memory, and one who was given more
    /// meanwhile must not be refused when he comes back: a player does not ask again.
    /// </summary>
    private HashSet<string> StillOver(Quota quota, long period)
    {
        return [.. ledger.Db.Query("""
            SELECT p.uid, u.cumulative + u.waiting_bytes - p.base FROM quota_periods p JOIN users u ON u.uid = p.uid
            WHERE p.period = $1 AND p.exceeded = 1
            """, static row => (Uid: row.Text(0), Taken: row.Int64(1)), period).Where(u => u.Taken >= Allowed(u.Uid, quota)).Select(static u => u.Uid)];
    }

    /// <summary>A user comes, for the first time or after a while.</summary>
    private void Judge(Account account) => Tell(account, options().Quota ?? Unlimited, _over.Uids.Contains(account.Uid));

    private void Tell(Account account, Quota quota, bool over)
    {
        account.StoppedFor = verdicts.IsBlocked(account.Uid) ? StopReason.Blocked
            : over && quota.Over == OverQuota.Cut ? StopReason.Quota
            : StopReason.None;
        var rate = over && quota.Over == OverQuota.Throttle ? quota.Rate : 0;
        if (rate != (account.Pace?.BytesPerSecond ?? 0))
            account.Pace = rate > 0 ? new Pace(rate) : null;
    }

    internal void Look()
    {
        lock (_gate)
            LookNow();
    }

    private void LookNow()
    {
        var quota = options().Quota ?? Unlimited;
        var at = At(quota);
        var period = at.Period;
        var judgedBy = (quota, verdicts.Mark);
        var over = !judgedBy.Equals(_judgedBy) ? StillOver(quota, period)
            : _over.Period == period ? _over.Uids
            : new HashSet<string>(StringComparer.Ordinal);
        var counts = quota.Bytes > 0 || verdicts.Count > 0;
        List<(Account Account, long Base)> begun = [];
        List<(string Uid, bool Over)> turned = [];
        if (!counts)
        {
            foreach (var account in meters.Accounts)
                Tell(account, quota, over: false);
        }
        else
        {
            ledger.Each((account, total) =>
            {
                var from = account.QuotaPeriod == period ? account.QuotaBase : Base(account, total, period, begun);
                var isOver = total - from >= Allowed(account.Uid, quota);
                if (isOver != over.Contains(account.Uid))
                    turned.Add((account.Uid, isOver));
                Tell(account, quota, isOver);
            });
        }
        // First the rows: what memory knew and they did not would never be written, and a second quota come of it at the next start.
        Save(begun, turned, at);
        _judgedBy = judgedBy;
        if (turned.Count > 0 || _over.Period != period || _over.Uids != over)
        {
            var next = new HashSet<string>(over, StringComparer.Ordinal);
            foreach (var (uid, isOver) in turned)
            {
                if (!isOver)
                    next.Remove(uid);
                else if (next.Count < Most)
                    next.Add(uid);
            }
            _over = new(period, next);
            foreach (var (uid, isOver) in turned)
                Turned?.Invoke(uid, isOver);
        }
    }

    /// <summary>What he had taken when the period began for him.</summary>
    private long Base(Account account, long total, long period, List<(Account Account, long Base)> begun)
    {
        if (ledger.Db.First("SELECT base FROM quota_periods WHERE uid = $1 AND period = $2", static row => (long?)row.Int64(0), account.Uid, period) is { } kept)
        {
            (account.QuotaBase, account.QuotaPeriod) = (kept, period);
            return kept;
        }
        // One whose account is new has taken within this second what it holds; one who plays over the end of a period has not.
        var from = account.QuotaPeriod < 0 ? total - account.Bytes : total;
        begun.Add((account, from));
        return from;
    }

    private void Save(List<(Account Account, long Base)> begun, List<(string Uid, bool Over)> turned, QuotaPeriods.InForce at)
    {
        var isKept = _periods.IsKept(at);
        if (begun.Count + turned.Count == 0 && isKept)
            return;
        ledger.Db.Transaction(() =>
        {
            if (!isKept)
                _periods.Write(at);
            foreach (var (account, from) in begun)
            {
                ledger.Db.Execute("INSERT INTO quota_periods (uid, period, base) VALUES ($1, $2, $3) ON CONFLICT (uid) DO UPDATE SET period = $2, base = $3, exceeded = 0",
                    account.Uid, at.Period, from);
            }
            foreach (var (uid, isOver) in turned)
                ledger.Db.Execute("UPDATE quota_periods SET exceeded = $2 WHERE uid = $1", uid, isOver);
        });
        foreach (var (account, from) in begun)
            (account.QuotaBase, account.QuotaPeriod) = (from, at.Period);
        _periods.Keep(at);
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _loop?.Dispose();
}
