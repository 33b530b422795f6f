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
        _holders = 1;
    }

    /// <summary>By one who knows that it is held: under the log's lock.</summary>
    public void Hold() => Interlocked.Increment(ref _holders);

    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
            _from.TakeBack(this);
    }

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
