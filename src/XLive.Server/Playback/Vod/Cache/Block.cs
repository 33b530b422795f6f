using System.Buffers;
using System.Runtime.InteropServices;
using XLive.Server.Sending;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// Up to a mebibyte of a body, outside the collector's heap. Grows while it is fetched: whoever waits for it reads what has come. Held
/// by the cache and by each who reads or writes it; the memory is freed with the last.
/// </summary>
internal sealed class Block : MemoryManager<byte>, IBodyOwner
{
    public const int Bits = 20;
    public const int Size = 1 << Bits;

    private readonly BlockBudget _budget;
    private readonly BlockPages.Half? _half;
    private readonly unsafe byte* _bytes;
    private readonly int _length;
    private readonly Lock _gate = new();
    private TaskCompletionSource? _grown;
    private Exception? _fault;
    private int _filled;
    private int _holders = 1;

    internal unsafe Block(BlockBudget budget, int length, long charged)
    {
        _budget = budget;
        Charged = charged;
        _length = length;
        // The last block of a film is short, and its memory as long as it is.
        _half = length == Size ? budget.Pages?.Take() : null;
        _bytes = _half is not null ? _half.Bytes : (byte*)NativeMemory.Alloc((nuint)Math.Max(1, length));
    }

    /// <summary>How much of the body it is to hold.</summary>
    public int Length => _length;

    /// <summary>What the budget counts for it.</summary>
    public long Charged { get; }
    public int Filled => Volatile.Read(ref _filled);
    public bool IsWhole => Filled == _length;
    public bool HasFailed => Volatile.Read(ref _fault) is not null;

    /// <summary>Used since the queues last passed by, up to three times.</summary>
    public int Uses;

    /// <summary>Its copy on disk, as far as is known.</summary>
    public volatile DiskEntry? OnDisk;

    /// <summary>How many have turned to it; a count that is lost was one of many.</summary>
    public int Readers;
    private int _isOffered;

    /// <summary>Once at a time it waits to be written.</summary>
    public bool TryOffer() => Interlocked.Exchange(ref _isOffered, 1) == 0;

    public void EndOffer() => Volatile.Write(ref _isOffered, 0);

    /// <summary>Somebody beside the cache reads or writes it.</summary>
    public bool IsInUse => Volatile.Read(ref _holders) > 1;

    /// <summary>So does somebody else than the one who fills it.</summary>
    public bool IsWanted => Volatile.Read(ref _holders) > 2;

    /// <summary>Where it lies in its object; for the cache, which takes it out there.</summary>
    public StoredObject? Owner;
    public int Index;
    internal bool IsMain;

    public bool TryHold()
    {
        var count = Volatile.Read(ref _holders);
        while (count > 0)
        {
            var seen = Interlocked.CompareExchange(ref _holders, count + 1, count);
            if (seen == count)
                return true;
            count = seen;
        }
        return false;
    }

    public unsafe void Release()
    {
        if (Interlocked.Decrement(ref _holders) != 0)
            return;
        if (_half is not null)
            _budget.Pages!.GiveBack(_half);
        else
            NativeMemory.Free(_bytes);
        _budget.Freed(Charged);
    }

    /// <summary>What is there of these bytes, for one who holds the block.</summary>
    public BodyPiece Piece(int from, int to) => new(Memory[from..Math.Min(Filled, to)], this, _half is not null ? PagePipe.Least : 0);

    public ReadOnlyMemory<byte> Read(int from, int to) => Memory[from..to];

    /// <summary>Where the next bytes go. For the one who fills it.</summary>
    public Memory<byte> Rest => Memory[Filled..];

    public void Grow(int by) => Tell(by, null);

    /// <summary>No more will come.</summary>
    public void Fail(Exception fault) => Tell(0, fault);

    private void Tell(int by, Exception? fault)
    {
        TaskCompletionSource? grown;
        lock (_gate)
        {
            Volatile.Write(ref _filled, _filled + by);
            if (fault is not null && _filled < _length)
                Volatile.Write(ref _fault, fault);
            grown = _grown;
            _grown = null;
        }
        grown?.SetResult();
    }

    /// <summary>When there is more than this, how much there is.</summary>
    public ValueTask<int> MoreThanAsync(int have)
    {
        var filled = Filled;
        return filled > have ? new(filled) : WaitAsync(have);
    }

    private async ValueTask<int> WaitAsync(int have)
    {
        while (true)
        {
            Task grown;
            lock (_gate)
            {
                if (_filled > have)
                    return _filled;
                if (_fault is { } fault)
                    throw fault;
                // Readers go on elsewhere: the filler has the next bytes to read, and a thousand may wait.
                grown = (_grown ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
            await grown;
        }
    }

    public override unsafe Span<byte> GetSpan() => new(_bytes, _length);

    public override unsafe MemoryHandle Pin(int elementIndex = 0) => new(_bytes + elementIndex);

    public override void Unpin()
    {
    }

    // Its end is the last holder's, not a disposer's.
    protected override void Dispose(bool disposing)
    {
    }
}
