namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// What lies on disk, how much it takes, and what goes when there is no room: S3-FIFO, as in memory (<see cref="BlockBudget"/>). It does not touch
/// the disk: it says which files are to go, and whoever asked removes them. A key's head goes with its last block.
/// </summary>
internal sealed class DiskIndex
{
    // What a file takes beside its bytes: the rest of its last block, and its name in the folder.
    private const int FileSystemBlock = 4096;
    private const int NameCost = 256;

    // 256 folders and their own, the lock, the list of purges and the one that takes its place.
    private const long Base = 260L * FileSystemBlock;

    private readonly Lock _gate = new();
    private readonly Dictionary<UInt128, DiskShelf> _shelves = [];
    private readonly HashSet<DiskEntry> _entries = new(ByName.Instance);
    private readonly DiskEntryList _small = new();
    private readonly DiskEntryList _main = new();
    private long _bound;
    private long _used = Base;
    private long _evicted;

    public DiskIndex(long limit)
    {
        Limit = _bound = limit;
        // A file of 64 KiB or less costs more here than on disk; a million of them cost 200 MB of memory, and hold a tebibyte where they are whole blocks.
        MostFiles = (int)Math.Clamp(limit / (64 * 1024), 1024, 1 << 20);
    }

    public long Limit { get; }

    /// <summary>As long as the disk itself has less room than it should.</summary>
    public long Bound => Volatile.Read(ref _bound);
    public int MostFiles { get; }
    public long Used => Volatile.Read(ref _used);
    public long Evicted => Volatile.Read(ref _evicted);

    public int Files
    {
        get
        {
            lock (_gate)
                return _entries.Count + _shelves.Count;
        }
    }

    public int Objects
    {
        get
        {
            lock (_gate)
                return _shelves.Count;
        }
    }

    public static int Charge(long length) => (int)((length + FileSystemBlock - 1) / FileSystemBlock * FileSystemBlock) + NameCost;

    /// <summary>Would it go in without anything that goes out?</summary>
    public bool HasRoom(long length) => Used + Charge(length) + Charge(HeadFile.Largest / 16) <= Bound && Files + 2 <= MostFiles;

    public bool HasKey(UInt128 key)
    {
        lock (_gate)
            return _shelves.ContainsKey(key);
    }

    public DiskEntry? Find(in DiskName name)
    {
        lock (_gate)
            return _entries.GetAlternateLookup<DiskName>().TryGetValue(name, out var entry) ? entry : null;
    }

    /// <summary>The versions that the key's head names; null where there is no head, or nobody has looked.</summary>
    public ulong[]? VersionsOf(UInt128 key)
    {
        lock (_gate)
            return _shelves.GetValueOrDefault(key)?.Versions;
    }

    public void SetHead(UInt128 key, long length, ulong[]? versions)
    {
        lock (_gate)
        {
            if (!_shelves.TryGetValue(key, out var shelf))
                _shelves[key] = shelf = new DiskShelf(key);
            _used += Charge(length) - shelf.HeadCharged;
            shelf.HeadCharged = Charge(length);
            shelf.Versions = versions ?? shelf.Versions;
        }
    }

    /// <summary>The block of a key that has a head.</summary>
    public DiskEntry? Add(in DiskName name, long length, bool toMain)
    {
        lock (_gate)
        {
            if (!_shelves.TryGetValue(name.Key, out var shelf))
                return null;
            if (_entries.GetAlternateLookup<DiskName>().TryGetValue(name, out var there))
                return there;
            var entry = new DiskEntry(shelf, name.Version, name.Index, Charge(length)) { IsMain = toMain, NextOfShelf = shelf.First };
            if (shelf.First is not null)
                shelf.First.PreviousOfShelf = entry;
            shelf.First = entry;
            _entries.Add(entry);
            (toMain ? _main : _small).Add(entry);
            _used += entry.Charged;
            return entry;
        }
    }

    /// <summary>What must go for so many bytes and files more, without the head of one key that is being written to; false: it cannot be.</summary>
    public bool MakeRoom(long charge, int files, UInt128 keepHead, List<DiskName> gone)
    {
        lock (_gate)
        {
            while (_used + charge > _bound || _entries.Count + _shelves.Count + files > MostFiles)
            {
                if (_small.Count + _main.Count == 0)
                    return false;
                // Each step takes a use or an entry away: it comes to an end.
                if (_main.Count == 0 || (_small.Count > 0 && _small.Bytes * 10 > _bound))
                    PassSmall(keepHead, gone);
                else
                    PassMain(keepHead, gone);
            }
            return true;
        }
    }

    /// <summary>No more than is there now, or again all that it may be.</summary>
    public void Lean(bool lean)
    {
        lock (_gate)
            Volatile.Write(ref _bound, lean ? _used : Limit);
    }

    private void PassSmall(UInt128 keepHead, List<DiskName> gone)
    {
        var entry = _small.Take()!;
        if (entry.Uses == 0)
        {
            Evict(entry, keepHead, gone);
            return;
        }
        entry.Uses = 0;
        entry.IsMain = true;
        _main.Add(entry);
    }

    private void PassMain(UInt128 keepHead, List<DiskName> gone)
    {
        var entry = _main.Take()!;
        if (entry.Uses == 0)
        {
            Evict(entry, keepHead, gone);
            return;
        }
        entry.Uses--;
        _main.Add(entry);
    }

    private void Evict(DiskEntry entry, UInt128 keepHead, List<DiskName> gone)
    {
        _evicted++;
        Forget(entry);
        gone.Add(entry.Name);
        if (entry.Shelf.First is null && entry.Shelf.Key != keepHead)
            gone.Add(Forget(entry.Shelf));
    }

    /// <summary>The block's file, and the head's where it was the last.</summary>
    public void Remove(in DiskName name, List<DiskName> gone)
    {
        lock (_gate)
        {
            if (!_entries.GetAlternateLookup<DiskName>().TryGetValue(name, out var entry))
                return;
            (entry.IsMain ? _main : _small).Remove(entry);
            Forget(entry);
            gone.Add(name);
            if (entry.Shelf.First is null)
                gone.Add(Forget(entry.Shelf));
        }
    }

    /// <summary>All of a key, the head first: without it nothing is found, whenever it ends.</summary>
    public void Remove(UInt128 key, List<DiskName> gone)
    {
        lock (_gate)
        {
            if (!_shelves.TryGetValue(key, out var shelf))
                return;
            gone.Add(Forget(shelf));
            RemoveBlocks(shelf, static (_, _) => true, 0, gone);
        }
    }

    /// <summary>The blocks of versions that the head does not name any more.</summary>
    public void RemoveOthers(UInt128 key, ulong[] versions, List<DiskName> gone)
    {
        lock (_gate)
        {
            if (_shelves.TryGetValue(key, out var shelf))
                RemoveBlocks(shelf, static (version, kept) => !kept.Contains(version), versions, gone);
        }
    }

    private void RemoveBlocks<T>(DiskShelf shelf, Func<ulong, T, bool> which, T with, List<DiskName> gone)
    {
        for (var entry = shelf.First; entry is not null;)
        {
            var next = entry.NextOfShelf;
            if (which(entry.Version, with))
            {
                (entry.IsMain ? _main : _small).Remove(entry);
                Forget(entry);
                gone.Add(entry.Name);
            }
            entry = next;
        }
    }

    public bool HasBlocks(UInt128 key)
    {
        lock (_gate)
            return _shelves.GetValueOrDefault(key)?.First is not null;
    }

    public void Clear()
    {
        lock (_gate)
        {
            foreach (var entry in _entries)
                entry.IsGone = true;
            _entries.Clear();
            _shelves.Clear();
            while (_small.Take() is not null || _main.Take() is not null)
            {
            }
            Volatile.Write(ref _used, Base);
        }
    }

    private void Forget(DiskEntry entry)
    {
        entry.IsGone = true;
        _entries.Remove(entry);
        _used -= entry.Charged;
        var (next, previous) = (entry.NextOfShelf, entry.PreviousOfShelf);
        if (previous is null)
            entry.Shelf.First = next;
        else
            previous.NextOfShelf = next;
        if (next is not null)
            next.PreviousOfShelf = previous;
        entry.NextOfShelf = entry.PreviousOfShelf = null;
    }

    private DiskName Forget(DiskShelf shelf)
    {
        _shelves.Remove(shelf.Key);
        _used -= shelf.HeadCharged;
        return DiskName.Head(shelf.Key);
    }

    private sealed class ByName : IEqualityComparer<DiskEntry>, IAlternateEqualityComparer<DiskName, DiskEntry>
    {
        public static readonly ByName Instance = new();

        public bool Equals(DiskEntry? one, DiskEntry? other) => ReferenceEquals(one, other) || (one is not null && other is not null && one.Name == other.Name);

        public int GetHashCode(DiskEntry entry) => GetHashCode(entry.Name);

        public bool Equals(DiskName name, DiskEntry entry) => entry.Name == name;

        public int GetHashCode(DiskName name) => name.GetHashCode();

        public DiskEntry Create(DiskName name) => throw new NotSupportedException();
    }
}
