using XLive.Server.Telemetry;

namespace XLive.Server.Sending;

/// <summary>A call that may wait for a disk or a file server.</summary>
internal interface IFileWork
{
    void Run();

    /// <summary>Run threw, which it never should: whoever waits for it must not wait for ever.</summary>
    void Failed() { }
}

/// <summary>
/// Threads for calls that may block on one file system: open, stat, read, sendfile. A mount that hangs holds at most
/// <see cref="MaxThreads"/> of them and stalls nobody who is served from memory or from another mount. The thread pool is no
/// place for such calls: two hung reads on two cores would already stop the whole server until it injects more threads.
///
/// Directories share the threads, and each may have as many as are still free: one that hangs gets half of them, a second one
/// half of the rest, and whatever they wait for, there is a thread for those who want something else.
/// </summary>
public sealed class FileThreads(string name, Supervisor? supervisor = null)
{
    // Half of them for a single directory is 12,800 reads a second from a server that takes 10 ms each. One costs a stack of which
    // a few pages are used, and only while there is that much to wait for.
    internal const int MaxThreads = 256;
    // There when no other can be started.
    private const int KeptThreads = 2;
    private static readonly TimeSpan IdleExit = TimeSpan.FromSeconds(10);

    // How long a file system that once kept a sender waiting is served by its own threads alone.
    private const int SlowMilliseconds = 10_000;

    private readonly Lock _gate = new();
    private readonly Queue<FileLane> _waiting = new();
    private readonly Stack<Worker> _idle = new();
    private int _threads;
    private int _busy;
    private long _slowUntil;
    private readonly SupervisedLoop? _loop = supervisor?.Watch("files " + name);

    public string Name => name;

    internal bool IsSlow => Environment.TickCount64 < Volatile.Read(ref _slowUntil);

    internal void MarkSlow() => Volatile.Write(ref _slowUntil, Environment.TickCount64 + SlowMilliseconds);

    public int Threads => Volatile.Read(ref _threads);

    internal void Enqueue(FileLane lane, IFileWork work)
    {
        Worker worker;
        lock (_gate)
        {
            if (!MayRun(lane))
            {
                if (lane.Queue.Count == 0)
                    _waiting.Enqueue(lane);
                lane.Queue.Enqueue(work);
                return;
            }
            worker = Take(lane, work);
        }
        Wake(worker, lane);
    }

    /// <summary>A thread that cannot be started leaves its work to those there are.</summary>
    private void Wake(Worker worker, FileLane lane)
    {
        try
        {
            worker.Wake();
        }
        catch (OutOfMemoryException e)
        {
            // Thread.Start says so for want of descriptors too: it needs three.
            _loop?.Failed(e);
            var work = worker.TakeBack();
            lock (_gate)
            {
                lane.Busy--;
                _busy--;
                _threads--;
                if (_threads > 0)
                {
                    if (lane.Queue.Count == 0)
                        _waiting.Enqueue(lane);
                    lane.Queue.Enqueue(work);
                    return;
                }
            }
            // Not one, and no hope of one: better this thread waits for a disk than the viewer for ever.
            work.Run();
        }
    }

    private bool MayRun(FileLane lane) => lane.Busy < MaxThreads - _busy;

    private Worker Take(FileLane lane, IFileWork work)
    {
        lane.Busy++;
        _busy++;
        // The one that went to sleep last is the one whose stack is still warm.
        if (!_idle.TryPop(out var worker))
        {
            worker = new Worker(this);
            _threads++;
        }
        worker.Give(lane, work);
        return worker;
    }

    /// <summary>A call has returned. Gives this worker its next one, or puts it to sleep.</summary>
    private bool Next(Worker worker, FileLane done)
    {
        lock (_gate)
        {
            done.Busy--;
            _busy--;
            _idle.Push(worker);
            // Lanes in turn. Those that may not go on are few: they share what threads there are.
            for (var left = _waiting.Count; left > 0; left--)
            {
                var lane = _waiting.Dequeue();
                if (!MayRun(lane))
                {
                    _waiting.Enqueue(lane);
                    continue;
                }
                var next = Take(lane, lane.Queue.Dequeue());
                if (lane.Queue.Count > 0)
                    _waiting.Enqueue(lane);
                if (next != worker)
                    Wake(next, lane);
            }
            return worker.HasWork;
        }
    }

    private bool Leave(Worker worker)
    {
        lock (_gate)
        {
            // Given work between its time-out and this lock: it stays.
            if (worker.HasWork || _threads <= KeptThreads)
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
    private sealed class Worker(FileThreads threads)
#pragma warning restore CA1001
    {
        // No spinning: a lane's thread sleeps for milliseconds, and its turns would be charged to the server.
        private readonly ManualResetEventSlim _wake = new(false, spinCount: 0);
        private FileLane? _lane;
        private IFileWork? _work;
        private bool _started;

        public bool HasWork => _work is not null;

        public void Give(FileLane lane, IFileWork work) => (_lane, _work) = (lane, work);

        /// <summary>After a start that failed.</summary>
        public IFileWork TakeBack()
        {
            var work = _work!;
            _work = null;
            return work;
        }

        public void Wake()
        {
            if (_started)
            {
                _wake.Set();
                return;
            }
            _started = true;
            new Thread(Loop, 256 * 1024) { IsBackground = true, Name = "files " + threads.Name }.UnsafeStart();
        }

        private void Loop()
        {
            while (true)
            {
                FileLane lane;
                do
                {
                    lane = _lane!;
                    var work = _work!;
                    _work = null;
                    try
                    {
                        work.Run();
                    }
                    catch (Exception e)
                    {
                        threads._loop?.Failed(e);
                        work.Failed();
                    }
                }
                while (threads.Next(this, lane));
                while (!_wake.Wait(IdleExit))
                {
                    if (threads.Leave(this))
                        return;
                }
                _wake.Reset();
            }
        }
    }
}

/// <summary>One directory's calls, in the order in which they came, on the threads of its file system.</summary>
public sealed class FileLane(FileThreads threads)
{
    // Both by the threads alone, under their lock.
    internal readonly Queue<IFileWork> Queue = new();
    internal int Busy;

    public FileThreads Threads => threads;

    internal void Enqueue(IFileWork work) => threads.Enqueue(this, work);
}
