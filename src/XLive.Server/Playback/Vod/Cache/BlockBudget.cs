namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// The memory of the cache: a budget of bytes, and which blocks go when it is used up. S3-FIFO (Yang and others, SOSP 2023): a new block
/// stands in a small queue, a tenth of the budget, and goes unless it was used again; one that was moves to the main queue, where each use
/// gives it another round. A scan over a library passes through the small queue and flushes nothing. A hit writes one number; only what comes
/// and goes takes the lock.
/// </summary>
internal sealed class BlockBudget
{
    // Of keys that went lately: one that returns was worth keeping.
    private const int Ghosts = 1 << 16;

    // So many may be found in use before it is said that there is no room.
    private const int Patience = 64;

    // So many in use one after the other, and the other queue is tried. Not at each: a few that are sent slowly would cost what the main queue keeps.
    private const int Turn = 8;

    private readonly Lock _gate = new();
    private readonly Queue<Block> _small = new();
    private readonly Queue<Block> _main = new();
    private readonly ulong[] _ghosts = new ulong[Ghosts];
    private readonly long _whole;
    private long _limit;
    private long _used;
    private long _smallBytes;
    private long _refused;
    private long _evicted;

    // Below this the two megabytes that one block may take are too much of it.
    private const long LeastForPages = 64 << 20;

    /// <param name="bytes">All that the blocks may take.</param>
    public BlockBudget(long bytes)
    {
        _limit = _whole = bytes;
        Pages = bytes >= LeastForPages ? new BlockPages((int)(bytes / 16 / Block.Size)) : null;
    }

    /// <summary>Where whole blocks lie; null: in the C library's heap, as all others.</summary>
    public BlockPages? Pages { get; }

    public long Limit => Volatile.Read(ref _limit);
    public long Used => Volatile.Read(ref _used);
    public long Evicted => Volatile.Read(ref _evicted);

    /// <summary>Times that there was no room, because what is there was being sent.</summary>
    public long Refused => Volatile.Read(ref _refused);

    public int Count
    {
        get
        {
            lock (_gate)
                return _small.Count + _main.Count;
        }
    }

    /// <summary>While memory runs short a quarter must do.</summary>
    public void Shrink(bool small)
    {
        lock (_gate)
        {
            Volatile.Write(ref _limit, small ? _whole / 4 : _whole);
            MakeRoom(0);
        }
    }

    /// <summary>A block of the object, held once by the cache and once by the caller, or null while nothing can go.</summary>
    /// <param name="beside">Bytes that live and go with it elsewhere: a playlist's ready forms.</param>
    public Block? TryTake(StoredObject owner, int index, int length, long beside = 0)
    {
        lock (_gate)
        {
            if (!MakeRoom(length + beside))
            {
                _refused++;
                return null;
            }
            Interlocked.Add(ref _used, length + beside);
            var block = new Block(this, length, length + beside) { Owner = owner, Index = index };
            block.TryHold();
            if (TakeGhost(KeyOf(owner, index)))
            {
                block.IsMain = true;
                _main.Enqueue(block);
            }
            else
            {
                _smallBytes += block.Charged;
                _small.Enqueue(block);
            }
            return block;
        }
    }

    internal void Freed(long charged) => Interlocked.Add(ref _used, -charged);

    private bool MakeRoom(long wanted)
    {
        // Only those in use are counted: a use less and a block that goes are steps to an end, however many it takes.
        for (var inUse = 0; Used + wanted > Limit;)
        {
            if (inUse > Patience + (_small.Count + _main.Count) / 8 || _small.Count + _main.Count == 0)
                return false;
            var fromSmall = (_smallBytes * 10 > Limit) ^ (inUse / Turn % 2 == 1);
            if (!(_main.Count == 0 || (fromSmall && _small.Count > 0) ? PassSmall() : PassMain()))
                inUse++;
        }
        return true;
    }

    /// <returns>False: the block is in use.</returns>
    private bool PassSmall()
    {
        var block = _small.Dequeue();
        if (block.IsInUse)
        {
            _small.Enqueue(block);
            return false;
        }
        _smallBytes -= block.Charged;
        if (block.Uses > 1)
        {
            block.Uses = 0;
            block.IsMain = true;
            _main.Enqueue(block);
            return true;
        }
        var key = KeyOf(block.Owner!, block.Index);
        _ghosts[PlaceOf(key)] = key;
        Evict(block);
        return true;
    }

    private bool PassMain()
    {
        var block = _main.Dequeue();
        var isInUse = block.IsInUse;
        if (isInUse || block.Uses > 0)
        {
            if (block.Uses > 0)
                block.Uses--;
            _main.Enqueue(block);
            return !isInUse;
        }
        Evict(block);
        return true;
    }

    private void Evict(Block block)
    {
        _evicted++;
        block.Owner!.Forget(block);
        block.Release();
    }

    private bool TakeGhost(ulong key)
    {
        ref var place = ref _ghosts[PlaceOf(key)];
        if (place != key)
            return false;
        place = 0;
        return true;
    }

    // No key is even, by which an empty place is told.
    private static int PlaceOf(ulong key) => (int)(key >> 1) & (Ghosts - 1);

    // Of the name, so that an object fetched anew is remembered by what it was.
    private static ulong KeyOf(StoredObject owner, int index) => (owner.KeyHash ^ ((ulong)index * 0x9E3779B97F4A7C15)) | 1;
}
