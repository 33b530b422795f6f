namespace XLive.Server.Playback.Vod.Origin;

/// <summary>
/// Requests beside those that were asked for: a share of them, and a few more by the clock, so that a quiet server may try again too.
/// Without it an origin that is slow under load gets the more of it the slower it is.
/// </summary>
internal sealed class Budget
{
    // Counted in thousandths: sums of fractions fall short of the whole.
    private const long One = 1000;

    // A good hour does not save up for a bad one.
    private const long Most = 100 * One;

    private readonly Lock _gate = new();
    private readonly long _share;
    private readonly long _floor;
    private readonly TimeProvider _clock;
    private long _there;
    private long _at;
    private long _refused;

    /// <param name="floor">What a quiet server has; a tenth of it comes back each second.</param>
    public Budget(double share, int floor, TimeProvider clock)
    {
        (_share, _floor, _clock) = ((long)Math.Round(share * One), floor * One, clock);
        (_there, _at) = (_floor, clock.GetTimestamp());
    }

    public long Refused => Volatile.Read(ref _refused);

    public void Asked()
    {
        lock (_gate)
            _there = Math.Min(Most, _there + _share);
    }

    public bool TryTake()
    {
        lock (_gate)
        {
            var now = _clock.GetTimestamp();
            var more = (long)(_clock.GetElapsedTime(_at, now).TotalSeconds * _floor / 10);
            // The time of what is not yet a thousandth counts on.
            if (more > 0)
                _at = now;
            if (_there < _floor)
                _there = Math.Min(_floor, _there + more);
            if (_there >= One)
            {
                _there -= One;
                return true;
            }
        }
        Interlocked.Increment(ref _refused);
        return false;
    }
}
