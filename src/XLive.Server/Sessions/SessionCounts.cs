namespace XLive.Server.Sessions;

/// <summary>How often what became of viewers, since the start, and lately.</summary>
public sealed class SessionCounts
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private long _opened;
    private long _reused;
    private long _replaced;
    private long _refusedDevices;
    private long _refusedRevoked;

    // The sweep's.
    private long _since;
    private long _openedThen;
    private long _reusedThen;

    public long AllOpened => Volatile.Read(ref _opened);

    /// <summary>Entries that led to a session that was there.</summary>
    public long AllReused => Volatile.Read(ref _reused);

    /// <summary>Devices that had to leave for another.</summary>
    public long AllReplaced => Volatile.Read(ref _replaced);
    public long AllRefusedDevices => Volatile.Read(ref _refusedDevices);
    public long AllRefusedRevoked => Volatile.Read(ref _refusedRevoked);
    public double OpenedPerSecond { get; private set; }
    public double ReusedPerSecond { get; private set; }

    internal void Opened() => Interlocked.Increment(ref _opened);
    internal void Reused() => Interlocked.Increment(ref _reused);
    internal void Replaced(int devices) => Interlocked.Add(ref _replaced, devices);
    internal void RefusedDevice() => Interlocked.Increment(ref _refusedDevices);
    internal void RefusedRevoked() => Interlocked.Increment(ref _refusedRevoked);

    internal void Sweep(long now, TimeProvider clock)
    {
        if (clock.GetElapsedTime(_since, now) is var window && window < Window)
            return;
        if (_since != 0)
        {
            OpenedPerSecond = (AllOpened - _openedThen) / window.TotalSeconds;
            ReusedPerSecond = (AllReused - _reusedThen) / window.TotalSeconds;
        }
        (_since, _openedThen, _reusedThen) = (now, AllOpened, AllReused);
    }
}
