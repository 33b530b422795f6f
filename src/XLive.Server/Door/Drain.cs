namespace XLive.Server.Door;

/// <summary>
/// The server's leave, from the first signal on. Nobody watching: it ends with the last transfer, at once where there is none. But where a
/// balancer asks /health/ready, closed ports would hit the viewers it still sends, so they stay open until it has heard 503 often enough.
/// </summary>
public sealed class Drain(DoorOptions door, TimeProvider clock)
{
    // HAProxy's `fall` and Kubernetes' failureThreshold: after the third no further viewer is sent here.
    private const int Enough = 3;

    // Longer than any balancer waits between two questions.
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(60);

    private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private volatile bool _begun;
    private bool _watched;
    private long _begunAt;
    private long _asked;
    private int _asks;
    private int _told;

    public bool Begun => _begun;

    /// <summary>The server waits no longer than this for transfers; the rest of server.drain_timeout is for cutting them and for the logs.</summary>
    public static TimeSpan PatienceOf(DoorOptions door)
    {
        var rest = TimeSpan.FromSeconds(1.5);
        return door.DrainTimeout - (door.DrainTimeout > rest * 10 ? rest : door.DrainTimeout / 10);
    }

    public void Begin()
    {
        lock (_gate)
        {
            if (_begun)
                return;
            _begunAt = clock.GetTimestamp();
            // Whoever asked once or twice waited for the start; a balancer asks again and again.
            _watched = _asks >= Enough && clock.GetElapsedTime(_asked, _begunAt) < Watched;
            _begun = true;
        }
    }

    /// <summary>Somebody looks whether viewers may come; what he hears now is Begun.</summary>
    public void ReadyAsked()
    {
        lock (_gate)
        {
            _asks++;
            _asked = clock.GetTimestamp();
            if (_begun && ++_told == Enough)
                _heard.SetResult();
        }
    }

    /// <summary>Done when who watches has heard it, or has had a third of the time for it.</summary>
    public async Task HeardAsync()
    {
        var left = door.DrainTimeout / 3 - clock.GetElapsedTime(_begunAt);
        if (_watched && left > TimeSpan.Zero)
            await _heard.Task.WaitAsync(left, clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
