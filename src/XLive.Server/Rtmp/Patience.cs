namespace XLive.Server.Rtmp;

/// <summary>What ends a relay from outside: the server's stop, its owner's word, or that nothing came for too long, each asked of the clock that the tests turn.</summary>
internal sealed class Patience : IDisposable
{
    private readonly CancellationTokenSource _end;
    private readonly CancellationTokenRegistration _stop;

    public Patience(TimeProvider clock, CancellationToken stop)
    {
        _end = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
        _stop = stop.UnsafeRegister(static o => ((Patience)o!).End(), this);
    }

    public CancellationToken Token => _end.Token;

    /// <summary>By an owner's word, not for want of patience.</summary>
    public bool WasEnded { get; private set; }

    public void End()
    {
        WasEnded = true;
        _end.Cancel();
    }

    public void For(TimeSpan time) => _end.CancelAfter(time);

    public void Endless() => _end.CancelAfter(Timeout.InfiniteTimeSpan);

    public void Dispose()
    {
        _stop.Dispose();
        _end.Dispose();
    }
}
