namespace XLive.Server.Sending;

/// <summary>A call that may wait for a disk or a file server.</summary>
internal interface IFileWork
{
    void Run();
}

/// <summary>
/// Threads for calls that may block on one file system: open, stat, read, sendfile. A mount that hangs holds at most
/// <see cref="MaxThreads"/> threads and stalls nobody who is served from memory or from another mount. The thread pool is no
/// place for them: two hung reads on two cores would already stop the whole server until it injects more threads.
/// </summary>
public sealed class FileLane
{
    // 64 waiting calls are enough for 6,400 reads a second from a server that takes 10 ms each.
    internal const int MaxThreads = 64;
    private static readonly TimeSpan IdleExit = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Queue<IFileWork> _queue = new();
    private readonly Stack<Worker> _idle = new();
    private int _threads;

    internal FileLane(string name) => Name = name;

    public string Name { get; }

    // How long a file system that once kept a sender waiting is served by its own threads alone.
    private const int SlowMilliseconds = 10_000;

    private long _slowUntil;

    internal bool IsSlow => Environment.TickCount64 < Volatile.Read(ref _slowUntil);

    internal void MarkSlow() => Volatile.Write(ref _slowUntil, Environment.TickCount64 + SlowMilliseconds);

    public int Threads => Volatile.Read(ref _threads);

    public int Waiting
    {
        get { lock (_gate) return _queue.Count; }
    }

    internal void Enqueue(IFileWork work)
    {
        Worker? worker = null;
        lock (_gate)
        {
            // The one that went to sleep last is the one whose stack is still warm.
            if (!_idle.TryPop(out worker))
            {
                if (_threads == MaxThreads)
                {
                    _queue.Enqueue(work);
                    return;
                }
                _threads++;
                worker = new Worker(this);
                worker.Give(work);
                worker.Start();
                return;
            }
            worker.Give(work);
        }
        worker.Wake();
    }

    /// <summary>The next piece, or null after the worker was put to sleep.</summary>
    private IFileWork? Next(Worker worker)
    {
        lock (_gate)
        {
            if (_queue.TryDequeue(out var work))
                return work;
            _idle.Push(worker);
            return null;
        }
    }

    private bool Leave(Worker worker)
    {
        lock (_gate)
        {
            // Given work between its time-out and this lock: it stays.
            if (worker.HasWork)
                return false;
            var kept = _idle.ToArray();
            _idle.Clear();
            for (var i = kept.Length - 1; i >= 0; i--)
            {
                if (kept[i] != worker)
                    _idle.Push(kept[i]);
            }
            _threads--;
            return true;
        }
    }

#pragma warning disable CA1001 // the event lives as long as its thread and holds no handle unless one is asked for
    private sealed class Worker(FileLane lane)
#pragma warning restore CA1001
    {
        // No spinning: a lane's thread sleeps for milliseconds, and its turns would be charged to the server.
        private readonly ManualResetEventSlim _wake = new(false, spinCount: 0);
        private IFileWork? _work;

        public bool HasWork => _work is not null;

        public void Give(IFileWork work) => _work = work;

        public void Wake() => _wake.Set();

        public void Start() => new Thread(Loop, 256 * 1024) { IsBackground = true, Name = "files " + lane.Name }.UnsafeStart();

        private void Loop()
        {
            while (true)
            {
                var work = _work;
                _work = null;
                while (work is not null)
                {
                    work.Run();
                    work = lane.Next(this);
                }
                while (!_wake.Wait(IdleExit))
                {
                    if (lane.Leave(this))
                        return;
                }
                _wake.Reset();
            }
        }
    }
}
