namespace XLive.Server.Tests.Cache;

/// <summary>Blocking clients, all at once, on threads of their own: the pool's are the server's.</summary>
public static class Crowd
{
    public static async Task Of(int count, Action<int> each)
    {
        using var start = new Barrier(count);
        await Task.WhenAll(Enumerable.Range(0, count).Select(i => Task.Factory.StartNew(() =>
        {
            start.SignalAndWait();
            each(i);
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
    }
}
