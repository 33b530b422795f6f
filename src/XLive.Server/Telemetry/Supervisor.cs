namespace XLive.Server.Telemetry;

/// <summary>
/// Under this runs everything that nobody waits for: threads, timers, the ports' accept loops. A loop that throws is logged, counted
/// and started again within a second; one that hangs is seen. Kestrel's own accept loop has ended silently before (aspnetcore#55599),
/// and a server that runs on with a dead part is worse than one that has ended. A test finds every thread and timer that is not here.
/// </summary>
public sealed class Supervisor(TimeProvider clock)
{
    private readonly Lock _gate = new();
    private SupervisedLoop[] _loops = [];

    /// <summary>Told of every failure, on the thread of the loop that failed.</summary>
    public Action<SupervisedLoop, Exception>? OnFailure { get; set; }

    public IReadOnlyList<SupervisedLoop> Loops => Volatile.Read(ref _loops);

    /// <summary>A thread of its own. The body returns when it is to end, and is begun anew when it throws.</summary>
    public SupervisedLoop OnThread(string name, int stack, Action<SupervisedLoop> body)
    {
        var loop = Watch(name);
        new Thread(() => Repeat(loop, body), stack) { IsBackground = true, Name = name }.UnsafeStart();
        return loop;
    }

    /// <summary>A look now and then, never two at once; after one that failed the next comes soon.</summary>
    public SupervisedLoop Every(string name, TimeSpan period, Action look)
    {
        var loop = Add(new SupervisedLoop(this, name, clock, period));
        var looking = 0;
        loop.Timer = clock.CreateTimer(_ =>
        {
            if (Interlocked.Exchange(ref looking, 1) == 1)
                return;
            try
            {
                loop.Beat();
                look();
            }
            catch (Exception e)
            {
                var pause = loop.Failed(e);
                if (!loop.Ended && pause < period)
                    loop.Timer!.Change(pause, period);
            }
            finally
            {
                loop.Rest();
                Volatile.Write(ref looking, 0);
            }
        }, null, period, period);
        return loop;
    }

    /// <summary>A task that ends when it is told to, begun anew when it throws before.</summary>
    public async Task RunAsync(string name, Func<SupervisedLoop, Task> body, CancellationToken stop)
    {
        using var loop = Watch(name);
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await body(loop);
                return;
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                var pause = loop.Failed(e);
                loop.Rest();
                await Task.Delay(pause, clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>A loop that others run: it tells of its turns and its failures itself.</summary>
    public SupervisedLoop Watch(string name) => Add(new SupervisedLoop(this, name, clock, Timeout.InfiniteTimeSpan));

    private SupervisedLoop Add(SupervisedLoop loop)
    {
        lock (_gate)
            Volatile.Write(ref _loops, [.. _loops, loop]);
        return loop;
    }

    private static void Repeat(SupervisedLoop loop, Action<SupervisedLoop> body)
    {
        while (!loop.Ended)
        {
            try
            {
                body(loop);
                return;
            }
            catch (Exception e)
            {
                var pause = loop.Failed(e);
                loop.Rest();
                Thread.Sleep(pause);
            }
        }
    }

    internal void Tell(SupervisedLoop loop, Exception fault)
    {
        try
        {
            OnFailure?.Invoke(loop, fault);
        }
        catch (Exception)
        {
            // The count stands; a log that fails must not end the loop that it tells of.
        }
    }

    internal void Forget(SupervisedLoop loop)
    {
        lock (_gate)
            Volatile.Write(ref _loops, [.. _loops.Where(l => l != loop)]);
    }
}
