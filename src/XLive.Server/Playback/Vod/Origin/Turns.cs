namespace XLive.Server.Playback.Vod.Origin;

/// <summary>So many at a time; others wait in the order in which they came, and of those there are so many at most.</summary>
#pragma warning disable CA1001 // answers may end after the client; it holds no handle unless one is asked for
internal sealed class Turns(int most, int mostWaiting)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _free = new(most);
    private int _waiting;

    public int Most => most;

    public int MostWaiting => mostWaiting;

    public int Taken => most - _free.CurrentCount;

    public int Waiting => Volatile.Read(ref _waiting);

    public bool TryTake() => _free.Wait(0);

    /// <returns>False when too many wait.</returns>
    public async ValueTask<bool> TakeAsync(CancellationToken cancel)
    {
        if (_free.Wait(0, CancellationToken.None))
            return true;
        try
        {
            if (Interlocked.Increment(ref _waiting) > mostWaiting)
                return false;
            await _free.WaitAsync(cancel);
            return true;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    public void Return() => _free.Release();
}
