namespace XLive.Server.Traffic;

/// <summary>
/// The time that is written beside every charge: to a second, and read without asking the system. Set by the loops that look after the
/// counters.
/// </summary>
internal sealed class TrafficClock
{
    private readonly TimeProvider _clock;
    private readonly long _began;
    private long _unix;
    private long _steady;

    public TrafficClock(TimeProvider clock)
    {
        _clock = clock;
        _began = clock.GetTimestamp();
        Read();
    }

    /// <summary>What the wall says, for reports.</summary>
    public long Unix => Volatile.Read(ref _unix);

    /// <summary>Seconds since the start and one more, whatever the wall clock does: for how long something has waited. Never 0.</summary>
    public long Steady => Volatile.Read(ref _steady);

    public void Read()
    {
        Volatile.Write(ref _unix, _clock.GetUtcNow().ToUnixTimeSeconds());
        Volatile.Write(ref _steady, 1 + (long)_clock.GetElapsedTime(_began).TotalSeconds);
    }
}
