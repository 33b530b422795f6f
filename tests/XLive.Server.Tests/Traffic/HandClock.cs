namespace XLive.Server.Tests.Traffic;

/// <summary>A wall clock and a steady one, both moved by hand, and the timers with them; the wall clock can be set as well.</summary>
internal sealed class HandClock : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<HandTimer> _timers = [];
    private long _ticks;
    private DateTimeOffset _wall = new(2026, 3, 1, 10, 0, 30, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public long Unix => GetUtcNow().ToUnixTimeSeconds();

    /// <summary>Since it was made.</summary>
    public TimeSpan Steady => TimeSpan.FromTicks(GetTimestamp());

    /// <summary>How far off each timer is that has been set and has not rung.</summary>
    public TimeSpan[] Timers
    {
        get
        {
            lock (_gate)
                return [.. _timers.Select(t => TimeSpan.FromTicks(t.Due - _ticks)).Order()];
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
            return _wall;
    }

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    public void Pass(TimeSpan time)
    {
        lock (_gate)
        {
            Volatile.Write(ref _ticks, _ticks + time.Ticks);
            _wall += time;
            if (_timers.Count == 0)
                return;
            foreach (var timer in _timers.Where(t => t.Due <= _ticks).OrderBy(static t => t.Due).ToList())
                timer.Ring(_ticks);
        }
    }

    public void Step(TimeSpan step)
    {
        lock (_gate)
            _wall += step;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new HandTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class HandTimer(HandClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;

        public long Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._gate)
            {
                clock._timers.Remove(this);
                (Due, _period) = (clock._ticks + dueTime.Ticks, period);
                if (dueTime != Timeout.InfiniteTimeSpan)
                    clock._timers.Add(this);
                return true;
            }
        }

        // On another thread, as the system's do: whoever moves the clock does not do the work of those who wait.
        public void Ring(long now)
        {
            if (_period > TimeSpan.Zero)
                Due = now + _period.Ticks;
            else
                clock._timers.Remove(this);
            ThreadPool.UnsafeQueueUserWorkItem(_ => callback(state), null);
        }

        public void Dispose()
        {
            lock (clock._gate)
                clock._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
