namespace XLive.Server.Live;

/// <summary>
/// Slabs that are used again: memory from the system is a page fault for each 4 KiB, half a millisecond a mebibyte. As many are kept as streams are there,
/// twice over; with the last stream the last of them goes.
/// </summary>
internal sealed class Slabs
{
    /// <summary>Half a second of a usual stream.</summary>
    public const int Usual = 256 * 1024;

    private const int KeptPerStream = 2;

    private readonly Lock _gate = new();
    private readonly Stack<Slab> _free = new();
    private int _streams;
    private long _bytes;

    /// <summary>All that there are, in use or not.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    public Slab Take(int atLeast)
    {
        Slab? slab = null;
        if (atLeast <= Usual)
        {
            lock (_gate)
                _free.TryPop(out slab);
        }
        if (slab is null)
        {
            slab = new Slab(this, Math.Max(atLeast, Usual));
            Interlocked.Add(ref _bytes, slab.Length);
        }
        slab.Begin();
        return slab;
    }

    internal void TakeBack(Slab slab)
    {
        lock (_gate)
        {
            if (slab.Length == Usual && _free.Count < _streams * KeptPerStream)
            {
                _free.Push(slab);
                return;
            }
        }
        Free(slab);
    }

    public void StreamCame() => Count(1);

    public void StreamWent() => Count(-1);

    private void Count(int by)
    {
        while (true)
        {
            Slab? spare;
            lock (_gate)
            {
                _streams += by;
                by = 0;
                if (_free.Count <= _streams * KeptPerStream)
                    return;
                spare = _free.Pop();
            }
            Free(spare);
        }
    }

    private void Free(Slab slab)
    {
        Interlocked.Add(ref _bytes, -slab.Length);
        slab.Free();
    }
}
