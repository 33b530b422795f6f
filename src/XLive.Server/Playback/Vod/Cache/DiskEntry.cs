namespace XLive.Server.Playback.Vod.Cache;

/// <summary>A block that lies on disk, in the index. About 90 bytes, and there may be a million: so the lists are its own fields.</summary>
internal sealed class DiskEntry(DiskShelf shelf, ulong version, int index, int charged)
{
    public readonly DiskShelf Shelf = shelf;
    public readonly ulong Version = version;
    public readonly int Index = index;

    /// <summary>What it takes of the disk, in whole blocks of the file system's.</summary>
    public readonly int Charged = charged;

    public DiskEntry? Next, Previous;
    public DiskEntry? NextOfShelf, PreviousOfShelf;
    public byte Uses;
    public bool IsMain;
    public volatile bool IsGone;

    public DiskName Name => new(Shelf.Key, Version, Index);

    /// <summary>By whoever reads it, here or in memory, and without a lock: a use that is lost was one of many.</summary>
    public void Used()
    {
        if (Uses < 3)
            Uses++;
    }
}

/// <summary>All that lies on disk under one key.</summary>
internal sealed class DiskShelf(UInt128 key)
{
    public readonly UInt128 Key = key;
    public int HeadCharged;
    public DiskEntry? First;

    /// <summary>Those that the head names; null while nobody has read it.</summary>
    public ulong[]? Versions;
}

/// <summary>A queue out of whose middle can be taken.</summary>
internal sealed class DiskEntryList
{
    private DiskEntry? _first, _last;

    public long Bytes { get; private set; }
    public int Count { get; private set; }

    public void Add(DiskEntry entry)
    {
        (entry.Next, entry.Previous) = (null, _last);
        if (_last is null)
            _first = entry;
        else
            _last.Next = entry;
        _last = entry;
        Bytes += entry.Charged;
        Count++;
    }

    public DiskEntry? Take()
    {
        var first = _first;
        if (first is not null)
            Remove(first);
        return first;
    }

    public void Remove(DiskEntry entry)
    {
        if (entry.Previous is null)
            _first = entry.Next;
        else
            entry.Previous.Next = entry.Next;
        if (entry.Next is null)
            _last = entry.Previous;
        else
            entry.Next.Previous = entry.Previous;
        entry.Next = entry.Previous = null;
        Bytes -= entry.Charged;
        Count--;
    }
}
