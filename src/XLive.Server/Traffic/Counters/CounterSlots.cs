using System.Runtime.InteropServices;

namespace XLive.Server.Traffic.Counters;

/// <summary>
/// Gives out slots. Taking one waits for no disk: there is always some room ahead, and where that has run out a slot of ordinary memory
/// serves, which kill -9 would lose and which <see cref="Trouble"/> tells of.
///
/// A slot that was given back is not given out again before the disk has seen, first, that it is nobody's, and then that it is empty.
/// Power may fail between any two sectors: were both written at once, a disk could keep the old owner's name with emptied counters, or
/// the next one's name with the old counters.
/// </summary>
internal sealed unsafe class CounterSlots : IDisposable
{
    public const int Step = 4096;

    private readonly CounterMemory? _memory;
    private readonly Lock _gate = new();
    private readonly Lock _syncing = new();

    // Under the gate. Ordinary memory is kept for the next: who only reads may hold a closed account yet.
    private readonly Stack<nint> _spare = new();
    private readonly Stack<int> _free = new();
    private List<int> _closed = [];
    private List<int> _cleared = [];
    private long _nextEpoch;
    private int _inMemory;
    private int _given;

    private volatile string? _growthFault;
    private volatile string? _syncFault;
    private long _syncFailures;

    /// <param name="memory">Null: ordinary memory is all there is, and that is no trouble.</param>
    public CounterSlots(CounterMemory? memory, long generation)
    {
        _memory = memory;
        // 2^40 slots a generation, 2^23 starts.
        _nextEpoch = (generation << 40) + 1;
        if (memory is not null)
            AddFree(0, memory.Capacity);
    }

    public bool HasFile => _memory is not null;

    /// <summary>Slots of the file in use.</summary>
    public int Given => Volatile.Read(ref _given);

    public int Capacity => _memory?.Capacity ?? 0;
    public int Most => _memory?.Most ?? int.MaxValue;

    /// <summary>In ordinary memory, for want of room in the file.</summary>
    public int InMemory => Volatile.Read(ref _inMemory);

    public long SyncFailures => Volatile.Read(ref _syncFailures);

    public bool HasFree
    {
        get
        {
            lock (_gate)
                return _free.Count > 0;
        }
    }

    /// <summary>For health: what a crash would lose that it should not.</summary>
    public string? Trouble => _syncFault ?? (_memory is not null && InMemory > 0
        ? $"{InMemory} users are counted in memory only, which a crash loses: {_growthFault ?? "their file grows"}"
        : _growthFault);

    public Slot Take(string uid)
    {
        long epoch;
        byte* at;
        lock (_gate)
        {
            epoch = _nextEpoch++;
            if (_free.TryPop(out var index))
            {
                _given++;
                at = _memory!.First + (long)index * Slot.Size;
            }
            else
            {
                _inMemory++;
                at = _spare.TryPop(out var spare) ? (byte*)spare : (byte*)NativeMemory.AllocZeroed(Slot.Size);
            }
        }
        var slot = new Slot(at);
        slot.Open(epoch, uid);
        return slot;
    }

    public bool IsInMemory(Slot slot) => IndexOf(slot) < 0;

    /// <summary>Nobody adds to it any more, and the ledger has all it held.</summary>
    public void Return(Slot slot)
    {
        var index = IndexOf(slot);
        if (index < 0)
        {
            slot.Clear();
            lock (_gate)
            {
                _inMemory--;
                _spare.Push((nint)slot.Address);
            }
            return;
        }
        slot.Close();
        lock (_gate)
        {
            _given--;
            _closed.Add(index);
        }
    }

    private int IndexOf(Slot slot)
    {
        if (_memory is null)
            return -1;
        var offset = slot.Address - _memory.First;
        return offset >= 0 && offset < (long)_memory.Most * Slot.Size ? (int)(offset / Slot.Size) : -1;
    }

    private void AddFree(int from, int to)
    {
        // The lowest first: few users lie on few pages.
        for (var i = to - 1; i >= from; i--)
            _free.Push(i);
    }

    /// <summary>Keeps room ahead. Blocks on the disk.</summary>
    public void Grow()
    {
        if (_memory is null || _memory.Capacity >= _memory.Most)
            return;
        var capacity = _memory.Capacity;
        int ahead;
        lock (_gate)
            ahead = _free.Count + _closed.Count + _cleared.Count;
        if (ahead >= Math.Max(Step / 2, capacity / 4))
        {
            _growthFault = null;
            return;
        }
        var wanted = Math.Min(_memory.Most, capacity + Math.Max(Step, capacity / 2));
        _growthFault = _memory.Grow(wanted);
        if (_growthFault is null)
        {
            lock (_gate)
                AddFree(capacity, wanted);
        }
    }

    /// <summary>What was added before this call is on the disk when it returns. Blocks.</summary>
    public void Sync()
    {
        if (_memory is null)
            return;
        lock (_syncing)
        {
            List<int> closed, cleared;
            lock (_gate)
            {
                (closed, _closed) = (_closed, []);
                (cleared, _cleared) = (_cleared, []);
            }
            try
            {
                _memory.Sync();
            }
            catch (IOException e)
            {
                _syncFault = e.Message;
                Interlocked.Increment(ref _syncFailures);
                lock (_gate)
                {
                    _closed.AddRange(closed);
                    _cleared.AddRange(cleared);
                }
                _memory.Touch();
                throw;
            }
            _syncFault = null;
            foreach (var index in closed)
                new Slot(_memory.First + (long)index * Slot.Size).Clear();
            lock (_gate)
            {
                _cleared.AddRange(closed);
                foreach (var index in cleared)
                    _free.Push(index);
            }
        }
    }

    public void Dispose() => _memory?.Dispose();
}
