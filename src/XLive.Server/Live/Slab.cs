using System.Buffers;
using XLive.Media.Hls;
using XLive.Server.Sending;

namespace XLive.Server.Live;

/// <summary>
/// Frames one behind the other, outside the collector's heap: what many viewers are sent is one piece of memory, and goes in one call. Held by its stream and
/// by whoever sends from it.
/// </summary>
internal sealed unsafe class Slab : MemoryManager<byte>, IBodyOwner, IBufferWriter<byte>
{
    private readonly Slabs _from;
    private readonly byte* _bytes;
    private int _holders;
    private volatile bool _isLent;

    /// <summary>
    /// Of what so many are sent at once, at least so many bytes go without a copy: a picture of 17 KiB to a thousand RTMP viewers costs 0.83 of the copy. Not where
    /// each has a head of his own (HTTP chunks): that is a call more, and nothing is gained.
    /// </summary>
    public const int LeastLent = 8 * 1024, LeastViewers = 50;

    internal Slab(Slabs from, int length)
    {
        _from = from;
        Length = length;
        // Not malloc's: a hundred streams' slabs lie across its heaps, and of a heap with one block in use nothing is given back. A thousand streams left 22 MB.
        _bytes = (byte*)PageMemory.Take(PageMemory.WholePages(length));
    }

    public int Length { get; }

    /// <summary>What was written. By the stream alone.</summary>
    public int Filled { get; private set; }

    public int Room => Length - Filled;

    internal void Begin()
    {
        Filled = 0;
        _isLent = false;
        _holders = 1;
    }

    /// <summary>By one who knows that it is held: under the log's lock.</summary>
    public void Hold() => Interlocked.Increment(ref _holders);

    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) != 0)
            return;
        // It lies in queues still, and is not written over: 0.1 ms, for which half a second of a stream was not copied to anybody.
        if (_isLent)
            PageMemory.Renew((nint)_bytes, PageMemory.WholePages(Length));
        _from.TakeBack(this);
    }

    /// <summary>From now on its pages may lie in sockets' queues. By one who holds it.</summary>
    public void Lend() => _isLent = true;

    internal void Free() => PageMemory.Free((nint)_bytes, PageMemory.WholePages(Length));

    public void Advance(int count) => Filled += count;

    // The log makes room before it writes.
    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint) => Memory[Filled..];

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint) => new(_bytes + Filled, Room);

    public override Span<byte> GetSpan() => new(_bytes, Length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_bytes + elementIndex);

    public override void Unpin()
    {
    }

    // Its end is the last holder's, not a disposer's.
    protected override void Dispose(bool disposing)
    {
    }
}
