namespace XLive.Server.Door;

/// <summary>Gives exchanges their ids, and tells when those that ran at one moment have all ended: one increment at each end.</summary>
internal sealed class RunningExchanges
{
    private readonly TaskCompletionSource _out = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Ids differ between starts and nodes: a random first half, then a count.
    private readonly ulong _first = (ulong)Random.Shared.NextInt64() << 24;
    private ulong _last;

    // Those up to here are waited for.
    private ulong _bound = ulong.MaxValue;
    private ulong _ended;

    public RunningExchanges() => _last = _first;

    public ulong Begin() => Interlocked.Increment(ref _last);

    public void Ended(ulong id)
    {
        if (id > Volatile.Read(ref _bound))
            return;
        Interlocked.Increment(ref _ended);
        if (Volatile.Read(ref _bound) != ulong.MaxValue)
            Look();
    }

    /// <summary>
    /// Done when all that have begun before the call have ended. One that begins and ends right beside the call may be counted for
    /// another that still runs: whoever stops the server then closes the connections, which waits for it.
    /// </summary>
    public Task OutAsync()
    {
        Interlocked.Exchange(ref _bound, Volatile.Read(ref _last));
        Look();
        return _out.Task;
    }

    private void Look()
    {
        if (_first + Volatile.Read(ref _ended) >= Volatile.Read(ref _bound))
            _out.TrySetResult();
    }
}
