namespace XLive.Server.Operations.Health;

/// <summary>
/// The wall clock beside the one that only goes on: links, certificates and reports are judged by the first, time-outs and limits by the second.
/// That the kernel calls the clock unsynchronised is a fault only where it did not before: most containers and many a virtual machine are kept
/// right by their host, and the kernel in them is never told.
/// </summary>
public sealed class ClockWatch(TimeProvider clock, Func<bool?> isSynchronized)
{
    /// <summary>Links are signed in seconds. What NTP does by itself is a thousandth of that between two looks, and moves both clocks.</summary>
    public static readonly TimeSpan Jump = TimeSpan.FromSeconds(1);

    /// <summary>So long it is told of.</summary>
    public static readonly TimeSpan Told = TimeSpan.FromMinutes(1);

    // Both are read one after the other, and a thread may have to wait in between.
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(100);

    private readonly long _began = clock.GetTimestamp();
    private TimeSpan _jumpedBy;
    private long _jumpedAt;
    private DateTimeOffset? _zero;
    private bool _wasSynchronized;
    private long _jumps;
    private int _state = -1;

    /// <summary>Times that the wall clock was set by more than a second.</summary>
    public long Jumps => Volatile.Read(ref _jumps);

    /// <summary>As of the last look; null: the kernel does not tell.</summary>
    public bool? IsSynchronized => Volatile.Read(ref _state) is var state and >= 0 ? state == 1 : null;

    /// <summary>By one at a time.</summary>
    public (HealthState, string) Look()
    {
        Compare();
        var synchronized = isSynchronized();
        Volatile.Write(ref _state, synchronized switch { null => -1, false => 0, true => 1 });
        _wasSynchronized |= synchronized == true;
        if (_jumps > 0 && clock.GetElapsedTime(_jumpedAt) < Told)
            return (HealthState.Degraded, $"was set {Math.Abs(_jumpedBy.TotalSeconds):0} s {(_jumpedBy > TimeSpan.Zero ? "ahead" : "back")}; links and certificates are judged by it, time-outs and limits are not");
        return synchronized switch
        {
            true => (HealthState.Healthy, "steady, and synchronised"),
            false when _wasSynchronized => (HealthState.Degraded, "is synchronised no more: links will be refused too early or too late when it has drifted"),
            false => (HealthState.Healthy, "steady; the kernel has not been told that it is synchronised"),
            null => (HealthState.Healthy, "steady"),
        };
    }

    private void Compare()
    {
        for (var i = 0; i < 10; i++)
        {
            var before = clock.GetTimestamp();
            var wall = clock.GetUtcNow();
            if (clock.GetElapsedTime(before) > Together)
                continue;
            var zero = wall - clock.GetElapsedTime(_began, before);
            if (_zero is { } last && (zero - last).Duration() >= Jump)
            {
                (_jumpedBy, _jumpedAt) = (zero - last, before);
                Interlocked.Increment(ref _jumps);
            }
            _zero = zero;
            return;
        }
    }
}
