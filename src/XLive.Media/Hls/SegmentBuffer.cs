using System.Buffers;

namespace XLive.Media.Hls;

/// <summary>
/// The bytes of one segment, outside the collector's heap. One writer lets it grow, up to what was reserved; sealed, it has its own size to the page and
/// never changes. Whoever reads it holds it, and with the last holder the memory is the system's again: no list's, no arena's.
///
/// Address space for the longest segment is reserved, and becomes memory page by page as it is written. So it does not move while it grows, which the
/// parts of a segment that is still being written will need, and nothing is copied when its size is known.
/// </summary>
public sealed unsafe class SegmentBuffer : MemoryManager<byte>, IBufferWriter<byte>
{
    // One system call each; what is in reach but not written takes no memory.
    private const int Step = 256 * 1024;

    private byte* _bytes;
    private int _reserved;
    private int _reachable;
    private int _written;
    private int _holders = 1;
    private byte[] _beyond = [];

    /// <param name="most">No more than so many bytes are taken.</param>
    public SegmentBuffer(int most)
    {
        _reserved = PageMemory.WholePages(most);
        _bytes = (byte*)PageMemory.Reserve(_reserved);
    }

    public int Length => _written;

    /// <summary>What it takes of the machine's memory.</summary>
    public int Taken => PageMemory.WholePages(_written);

    /// <summary>More came than it takes, and what came last is not in it.</summary>
    public bool IsOverfull { get; private set; }

    /// <summary>For who holds it.</summary>
    public ReadOnlyMemory<byte> Bytes => Memory;

    /// <summary>For the writer, to mend what nobody has seen.</summary>
    public Span<byte> Written => new(_bytes, _written);

    /// <summary>No more is written. What was reserved beyond is given back.</summary>
    public void Seal()
    {
        var kept = Taken;
        PageMemory.Trim((nint)_bytes, _reserved, kept);
        _reserved = kept;
        _reachable = Math.Min(_reachable, kept);
        _beyond = [];
    }

    /// <summary>Again from the beginning, before anybody has seen it.</summary>
    public void Clear() => (_written, IsOverfull) = (0, false);

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

    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) != 0)
            return;
        PageMemory.Free((nint)_bytes, _reserved);
        _bytes = null;
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint)
    {
        var size = Math.Max(sizeHint, 1);
        if (IsOverfull || size > _reserved - _written)
        {
            IsOverfull = true;
            if (_beyond.Length < size)
                _beyond = new byte[size];
            return _beyond;
        }
        if (_written + size > _reachable)
        {
            var reach = (int)Math.Min(_reserved, ((long)_written + size + Step - 1) / Step * Step);
            PageMemory.Open((nint)_bytes, _reachable, reach);
            _reachable = reach;
        }
        return new(_bytes + _written, _reachable - _written);
    }

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        var length = ((IBufferWriter<byte>)this).GetSpan(sizeHint).Length;
        return IsOverfull ? _beyond : CreateMemory(_written, length);
    }

    void IBufferWriter<byte>.Advance(int count) => _written += IsOverfull ? 0 : count;

    public override Span<byte> GetSpan() => Written;

    public override MemoryHandle Pin(int elementIndex = 0) => new(_bytes + elementIndex);

    public override void Unpin()
    {
    }

    // Its end is the last holder's, not a disposer's.
    protected override void Dispose(bool disposing)
    {
    }
}
