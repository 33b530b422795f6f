namespace XLive.Server.Playback.Vod.Cache;

/// <summary>What is to be written: a block, held until it is; or, without one, an object whose head has changed or takes the place of others.</summary>
/// <param name="Again">Wanted more than once already.</param>
internal readonly record struct DiskWork(StoredObject Object, Block? Block, bool Again = false)
{
    // A head's own cost is some kibibytes of text.
    public long Bytes => Block?.Length ?? 4096;

    public void Release()
    {
        Block?.EndOffer();
        Block?.Release();
    }
}

/// <summary>
/// What waits for the disk. Blocks that wait cannot go from memory, so it is their bytes that are bounded; keys to forget are never dropped, and
/// when there are too many of them all is forgotten.
/// </summary>
internal sealed class DiskQueue(long mostBytes)
{
    private const int MostForgotten = 1 << 16;

    private readonly object _gate = new();
    private readonly Queue<DiskWork> _work = new();
    private readonly HashSet<UInt128> _forgotten = [];
    private readonly Queue<TaskCompletionSource> _purges = new();
    private long _bytes;
    private bool _isTaken;
    private bool _isClosed;

    public long MostBytes => mostBytes;
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>All that was to be done is done.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
                return !_isTaken && _work.Count == 0 && _forgotten.Count == 0 && _purges.Count == 0 && !ForgetsAll;
        }
    }

    /// <summary>So many keys were to be forgotten that only emptying the folder will do.</summary>
    public bool ForgetsAll { get; private set; }

    /// <summary>False: too much waits. The block's hold is the queue's when it is taken.</summary>
    public bool TryAdd(in DiskWork work)
    {
        lock (_gate)
        {
            if (_isClosed || _bytes + work.Bytes > mostBytes)
                return false;
            _bytes += work.Bytes;
            _work.Enqueue(work);
            Monitor.Pulse(_gate);
            return true;
        }
    }

    public void Forget(UInt128 key)
    {
        lock (_gate)
        {
            if (_forgotten.Count < MostForgotten)
                _forgotten.Add(key);
            else
                ForgetsAll = true;
            Monitor.Pulse(_gate);
        }
    }

    public bool IsForgotten(UInt128 key)
    {
        lock (_gate)
            return ForgetsAll || _forgotten.Contains(key);
    }

    /// <summary>Ends when the list of purges is on disk.</summary>
    public Task AddPurge()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _purges.Enqueue(done);
            Monitor.Pulse(_gate);
        }
        return done.Task;
    }

    /// <summary>Those who wait now: one list answers them all.</summary>
    public List<TaskCompletionSource> TakePurges()
    {
        lock (_gate)
        {
            var taken = new List<TaskCompletionSource>(_purges);
            _purges.Clear();
            return taken;
        }
    }

    /// <summary>The next key whose files are to go. It stays forgotten until <see cref="Forgotten"/>.</summary>
    public bool TryPeekForgotten(out UInt128 key)
    {
        lock (_gate)
        {
            foreach (var each in _forgotten)
            {
                key = each;
                return true;
            }
            key = default;
            return false;
        }
    }

    public void Forgotten(UInt128 key)
    {
        lock (_gate)
            _forgotten.Remove(key);
    }

    public void ForgottenAll()
    {
        lock (_gate)
        {
            _forgotten.Clear();
            ForgetsAll = false;
        }
    }

    public bool TryTake(out DiskWork work)
    {
        lock (_gate)
        {
            _isTaken = _work.TryDequeue(out work);
            if (_isTaken)
                _bytes -= work.Bytes;
            return _isTaken;
        }
    }

    public bool IsClosed
    {
        get
        {
            lock (_gate)
                return _isClosed;
        }
    }

    /// <summary>Until there is something to do, or for so long.</summary>
    public void Wait(TimeSpan most)
    {
        lock (_gate)
        {
            if (!_isClosed && _work.Count == 0 && _forgotten.Count == 0 && _purges.Count == 0 && !ForgetsAll)
                Monitor.Wait(_gate, most);
        }
    }

    /// <summary>The same while the disk fails, and only its time or the end counts.</summary>
    public void Rest(TimeSpan most)
    {
        lock (_gate)
        {
            if (!_isClosed && _purges.Count == 0)
                Monitor.Wait(_gate, most);
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }
    }
}
