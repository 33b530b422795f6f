using XLive.Server.Storage;

namespace XLive.Server.Traffic.Quotas;

/// <summary>
/// Which period it is: by the wall clock, but never back, or a clock that is set to the next one and back would give a quota that is used up
/// once more, and again when the time comes. A clock that has been behind for as long as a period lasts is right all the same: it was the one
/// before that was wrong.
/// </summary>
internal sealed class QuotaPeriods(Sqlite db)
{
    private InForce? _kept;

    /// <param name="Seconds">How long a period is; of others the numbers say nothing.</param>
    /// <param name="BehindSince">What the clock said when it was first seen before that period, in unix seconds; null: it is not.</param>
    internal sealed record InForce(long Seconds, long Period, long? BehindSince);

    /// <summary>Nothing is kept of it before <see cref="Keep"/>.</summary>
    public InForce At(Quota quota, long now)
    {
        var seconds = (long)quota.Period.TotalSeconds;
        var period = now / seconds;
        var kept = _kept ??= db.First("SELECT seconds, period, behind_since FROM quota_clock",
            static row => new InForce(row.Int64(0), row.Int64(1), row.IsNull(2) ? null : row.Int64(2)));
        if (kept is null || kept.Seconds != seconds || period >= kept.Period)
            return new InForce(seconds, period, null);
        var since = kept.BehindSince is { } first && first <= now ? first : now;
        return now - since >= seconds ? new InForce(seconds, period, null) : kept with { BehindSince = since };
    }

    public bool IsKept(InForce at) => at == _kept;

    /// <summary>Within a transaction.</summary>
    public void Write(InForce at)
    {
        db.Execute("DELETE FROM quota_clock");
        db.Execute("INSERT INTO quota_clock (seconds, period, behind_since) VALUES ($1, $2, $3)",
            at.Seconds, at.Period, at.BehindSince is { } since ? since : default(SqlValue));
    }

    /// <summary>It is written.</summary>
    public void Keep(InForce at) => _kept = at;
}
