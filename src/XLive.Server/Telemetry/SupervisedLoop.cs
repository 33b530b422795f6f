namespace XLive.Server.Telemetry;

/// <summary>
/// Something that must go on for as long as the server does, and what became of it so far. <see cref="Beat"/> when a turn begins,
/// <see cref="Rest"/> when there is nothing to do: between the two it works, and work that does not end is a deadlock.
/// </summary>
public sealed class SupervisedLoop : IDisposable
{
    /// <summary>A loop that works on one thing for so long is stuck; one that failed is suspect for as long.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly Supervisor _supervisor;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _longestRest;
    private long _beat;
    private long _failedAt;
    private volatile bool _working;
    private volatile bool _ended;
    private volatile Exception? _next;
    private long _failures;
    private TimeSpan _pause = FirstPause;

    internal SupervisedLoop(Supervisor supervisor, string name, TimeProvider clock, TimeSpan longestRest)
    {
        _supervisor = supervisor;
        _clock = clock;
        _longestRest = longestRest;
        Name = name;
        _beat = clock.GetTimestamp();
    }

    public string Name { get; }

    /// <summary>Times that it failed and was started again.</summary>
    public long Restarts => Volatile.Read(ref _failures);

    public string LastFault { get; private set; } = "";

    public TimeSpan SinceBeat => _clock.GetElapsedTime(Volatile.Read(ref _beat));

    internal bool Ended => _ended;

    internal ITimer? Timer { get; set; }

    /// <summary>Null when all is well; else what is wrong, for health.</summary>
    public string? Trouble
    {
        get
        {
            if (_ended)
                return null;
            var since = SinceBeat;
            if (_working ? since > Patience : _longestRest != Timeout.InfiniteTimeSpan && since > _longestRest + Patience)
                return $"{Name} has not moved for {since.TotalSeconds:0} s";
            return Restarts > 0 && _clock.GetElapsedTime(Volatile.Read(ref _failedAt)) < Patience
                ? $"{Name} failed ({LastFault}) and was started again, {Restarts} times since the start"
                : null;
        }
    }

    public void Beat()
    {
        Volatile.Write(ref _beat, _clock.GetTimestamp());
        _working = true;
        if (_next is { } fault)
        {
            _next = null;
            throw fault;
        }
    }

    public void Rest()
    {
        _working = false;
        Volatile.Write(ref _beat, _clock.GetTimestamp());
    }

    /// <summary>What one turn threw, told by whoever caught it. The pause to make before the next.</summary>
    public TimeSpan Failed(Exception fault)
    {
        var pause = Interlocked.Increment(ref _failures) > 1 && _clock.GetElapsedTime(Volatile.Read(ref _failedAt)) < Patience
            ? TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, LongestPause.Ticks))
            : FirstPause;
        _pause = pause;
        LastFault = fault.GetType().Name + ": " + fault.Message;
        Volatile.Write(ref _failedAt, _clock.GetTimestamp());
        _supervisor.Tell(this, fault);
        return pause;
    }

    /// <summary>For the tests: the next turn throws this.</summary>
    internal void FailNext(Exception fault) => _next = fault;

    public void Dispose()
    {
        _ended = true;
        Timer?.Dispose();
        _supervisor.Forget(this);
    }
}
