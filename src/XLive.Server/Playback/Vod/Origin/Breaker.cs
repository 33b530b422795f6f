namespace XLive.Server.Playback.Vod.Origin;

public enum BreakerState { Closed, HalfOpen, Open }

/// <summary>
/// Whether an origin is asked. Closed: it is. Open: it failed too often, and nobody waits for it. Half open: a probe is under way, and one
/// request may try beside it; what becomes of either decides.
/// </summary>
internal sealed class Breaker(TimeProvider clock)
{
    /// <summary>Connections in a row that were not made: nobody is there.</summary>
    public const int MostRefused = 5;

    /// <summary>Fewer answers than this within <see cref="Window"/> say nothing.</summary>
    public const int LeastAnswers = 20;

    public const int Window = 10;

    /// <summary>Between a failure and the next try of an open one.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly (long Second, int Good, int Bad)[] _seconds = new (long, int, int)[Window];
    private BreakerState _state;
    private long _since;
    private int _refused;
    private int _opened;
    private bool _isTrialTaken;

    public BreakerState State
    {
        get { lock (_gate) return _state; }
    }

    /// <summary>Times that it opened.</summary>
    public int Opened => Volatile.Read(ref _opened);

    /// <summary>Told of every change, outside the lock.</summary>
    public Action<BreakerState>? Changed { get; init; }

    /// <summary>The one request that may try while it is half open.</summary>
    public bool TryTrial()
    {
        lock (_gate)
        {
            if (_state != BreakerState.HalfOpen || _isTrialTaken)
                return false;
            _isTrialTaken = true;
            return true;
        }
    }

    /// <returns>Whether a probe is due: it is open for long enough, or half open and nobody has decided.</returns>
    public bool TryHalfOpen()
    {
        lock (_gate)
        {
            if (_state == BreakerState.Closed || _state == BreakerState.Open && clock.GetElapsedTime(_since) < Pause)
                return false;
            // A request that was cancelled has decided nothing.
            _isTrialTaken = false;
            if (_state == BreakerState.HalfOpen)
                return true;
            _state = BreakerState.HalfOpen;
        }
        Changed?.Invoke(BreakerState.HalfOpen);
        return true;
    }

    public void Good()
    {
        lock (_gate)
        {
            _refused = 0;
            if (_state == BreakerState.Closed)
                Now().Good++;
            if (_state != BreakerState.HalfOpen)
                return;
            _state = BreakerState.Closed;
            // What it did before says nothing any more; one more failure must not open it again.
            Array.Clear(_seconds);
        }
        Changed?.Invoke(BreakerState.Closed);
    }

    /// <param name="whileConnecting">There was no connection.</param>
    public void Bad(bool whileConnecting)
    {
        lock (_gate)
        {
            if (_state == BreakerState.Open)
                return;
            _refused = whileConnecting ? _refused + 1 : 0;
            if (_state == BreakerState.Closed)
            {
                Now().Bad++;
                if (_refused < MostRefused && !TooMany())
                    return;
            }
            (_state, _since, _refused) = (BreakerState.Open, clock.GetTimestamp(), 0);
            Interlocked.Increment(ref _opened);
        }
        Changed?.Invoke(BreakerState.Open);
    }

    private ref (long Second, int Good, int Bad) Now()
    {
        var second = Second;
        ref var now = ref _seconds[second % Window];
        if (now.Second != second)
            now = (second, 0, 0);
        return ref now;
    }

    private bool TooMany()
    {
        var (good, bad, oldest) = (0, 0, Second - Window + 1);
        foreach (var s in _seconds)
        {
            if (s.Second >= oldest)
                (good, bad) = (good + s.Good, bad + s.Bad);
        }
        return good + bad >= LeastAnswers && bad >= good;
    }

    private long Second => clock.GetTimestamp() / clock.TimestampFrequency;
}
