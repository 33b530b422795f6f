namespace XLive.Server.Traffic.Reports;

/// <summary>How long to wait before the next attempt: 1 s, twice as long after each failure, at most 5 minutes.</summary>
internal sealed class RetryPauses
{
    public static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    // A receiver in maintenance may ask for more patience than we have; more than this is a mistake of its clock.
    private static readonly TimeSpan LongestAsked = TimeSpan.FromHours(1);

    private TimeSpan _pause;

    /// <param name="asked">What the receiver asks for.</param>
    public TimeSpan Next(TimeSpan? asked)
    {
        _pause = _pause == TimeSpan.Zero ? First : TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, Longest.Ticks));
        // Between a half and all of it: nodes that lost the same receiver must not come back to it in one moment.
        var pause = TimeSpan.FromTicks(Math.Max(First.Ticks, (long)(_pause.Ticks * (0.5 + Random.Shared.NextDouble() / 2))));
        return asked is { } wanted && wanted > pause ? TimeSpan.FromTicks(Math.Min(wanted.Ticks, LongestAsked.Ticks)) : pause;
    }

    public void Reset() => _pause = TimeSpan.Zero;
}
