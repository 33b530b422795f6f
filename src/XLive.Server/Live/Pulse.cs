namespace XLive.Server.Live;

/// <summary>
/// Wakes all who wait for a stream's next frames. Few are woken by each frame. Of many each wake-up costs a send of its own, seven microseconds where the bytes of
/// 20 ms take three: they are woken by each picture, at once, and what sounds meanwhile comes with the next one. Nobody hears it before he sees it.
/// </summary>
internal sealed class Pulse : IDisposable
{
    private const int Few = 64;

    // Pictures that come faster share a send.
    private static readonly TimeSpan BetweenPictures = TimeSpan.FromMilliseconds(20);

    // Sound alone, or a picture that is late: 25 in a second.
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(40);

    private readonly TimeProvider _clock;
    private readonly Func<TimeSpan?> _batch;
    private readonly ITimer _timer;
    private readonly Lock _joining = new();
    private Party[] _parties = [];
    private TaskCompletionSource? _next;
    private long _beatAt;
    private int _isDue;

    public Pulse(TimeProvider clock, Func<TimeSpan?> batch)
    {
        (_clock, _batch) = (clock, batch);
        _beatAt = clock.GetTimestamp();
        _timer = clock.CreateTimer(static p => ((Pulse)p!).Late(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>To be taken before one looks: what comes after the look completes it.</summary>
    public Task Next
    {
        get
        {
            if (Volatile.Read(ref _next) is { } next)
                return next.Task;
            var made = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return (Interlocked.CompareExchange(ref _next, made, null) ?? made).Task;
        }
    }

    /// <summary>There is something new.</summary>
    public void Came(int viewers, bool isVideo)
    {
        var batch = _batch() ?? (viewers <= Few ? TimeSpan.Zero : isVideo ? BetweenPictures : Longest);
        var since = _clock.GetElapsedTime(Volatile.Read(ref _beatAt));
        if (since >= batch)
            Beat();
        // A picture does not wait as long as the sound before it was to.
        else if (Interlocked.Exchange(ref _isDue, 1) == 0 || isVideo)
            _timer.Change(batch - since, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Now, whatever came.</summary>
    public void Beat()
    {
        Volatile.Write(ref _beatAt, _clock.GetTimestamp());
        Volatile.Write(ref _isDue, 0);
        Interlocked.Exchange(ref _next, null)?.SetResult();
        foreach (var party in Volatile.Read(ref _parties))
            party.Shard.Wake(party);
    }

    /// <summary>Its viewers on one shard.</summary>
    public Party PartyOf(Shard shard)
    {
        lock (_joining)
        {
            foreach (var party in _parties)
            {
                if (party.Shard == shard)
                    return party;
            }
            var made = new Party(shard);
            Volatile.Write(ref _parties, [.. _parties, made]);
            return made;
        }
    }

    private void Late()
    {
        if (Volatile.Read(ref _isDue) == 1)
            Beat();
    }

    public void Dispose()
    {
        _timer.Dispose();
        Beat();
    }
}
