using System.Security.Cryptography;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// What lies under each key, and every change of it, by the writer's thread alone. The head is written before the first block and goes before the
/// last: a block without a head is found by nobody, and removed when its folder is next looked through.
/// </summary>
internal sealed class DiskShelves(DiskFiles files, DiskIndex index, DiskPurges purges, DiskAdmission admission, DiskHeads heads, DiskFigures figures, DiskCache cache)
{
    private readonly List<DiskName> _gone = [];
    private readonly byte[] _blockHead = new byte[BlockFile.HeadSize];

    public void Write(StoredObject kept, Block block, bool again)
    {
        if (kept.IsGone || !block.IsWhole || !admission.MayLie(kept) || purges.Covered(kept.Key, kept.Place?.Purges ?? purges.InAll(kept.Purges)))
            return;
        var body = block.GetSpan();
        if (!DiskAdmission.IsWhatItSays(kept, body))
            return;
        var key = kept.Place?.Key ?? DiskName.KeyOf(kept.Key);
        try
        {
            // A block and perhaps a head; all that comes in beside is a head's growth.
            if (!MakeRoom(DiskIndex.Charge(BlockFile.HeadSize + body.Length), 2, key) || PlaceOf(kept, key) is not { } place)
                return;
            var name = place.NameOf(block.Index);
            if (index.Find(name) is { } there)
            {
                block.OnDisk = there;
                if (again)
                    there.Used();
                return;
            }
            BlockFile.WriteHead(_blockHead, name, kept.Length, body);
            files.Write(name, _blockHead, body);
            block.OnDisk = index.Add(name, BlockFile.HeadSize + body.Length, again);
            figures.Wrote(BlockFile.HeadSize + body.Length);
        }
        finally
        {
            // A head of which no block came keeps its place for nothing.
            if (index.HasKey(key) && !index.HasBlocks(key))
                Remove(key);
        }
    }

    private bool MakeRoom(long charge, int more, UInt128 keepHead)
    {
        var hasRoom = index.MakeRoom(charge, more, keepHead, _gone);
        DeleteGone();
        return hasRoom;
    }

    /// <summary>Those that could not be removed are tried again before anything is written.</summary>
    public void DeleteGone()
    {
        var done = 0;
        try
        {
            for (; done < _gone.Count; done++)
                files.Delete(_gone[done]);
        }
        finally
        {
            _gone.RemoveRange(0, done);
        }
    }

    private DiskPlace? PlaceOf(StoredObject kept, UInt128 key) =>
        kept.Place is { } place && index.VersionsOf(key) is { } versions && versions.Contains(place.Version) ? place : Settle(kept, key, adds: true);

    /// <summary>Its head has changed, or it takes the place of others; it takes none that it has not.</summary>
    public void Settle(StoredObject kept)
    {
        var key = kept.Place?.Key ?? DiskName.KeyOf(kept.Key);
        if (!kept.IsGone && index.HasKey(key))
            Settle(kept, key, adds: false);
    }

    private DiskPlace? Settle(StoredObject kept, UInt128 key, bool adds)
    {
        var variants = index.HasKey(key) ? Read(key, kept.Key) : [];
        var same = variants.Find(v => v.Version == kept.Place?.Version);
        var request = DiskHeads.Request(kept.SentHeaders);
        for (var i = variants.Count - 1; i >= 0; i--)
        {
            var each = variants[i];
            var head = heads.HeadOf(kept.Key, each);
            if (each != same && !DiskHeads.Answers(head, each, request))
                continue;
            // The same under another name in this run: what there is of it stays (RFC 9111 section 3.4), unless a purge was meant for just that.
            if (same is null && kept.Head.StrongTag is { } tag && head.StrongTag == tag && each.Length == kept.Length && !purges.Covers(kept.Key, each.Purges))
                same = each;
            variants.RemoveAt(i);
        }
        DiskPlace? place = null;
        if ((adds || same is not null) && admission.MayLie(kept))
        {
            var asked = kept.Place is not null && same is not null ? kept.Place.Purges : purges.InAll(kept.Purges);
            place = new DiskPlace(cache, key, same?.Version ?? NewVersion(), asked);
            variants.Insert(0, DiskVariant.Of(kept, place.Version, asked));
        }
        if (variants.Count == 0 || HeadFile.Write(kept.Key, variants) is not { } bytes || !MakeRoom(DiskIndex.Charge(bytes.Length), 1, key))
        {
            Remove(key);
            return null;
        }
        files.Write(DiskName.Head(key), bytes, default);
        var versions = variants.Select(static v => v.Version).ToArray();
        index.SetHead(key, bytes.Length, versions);
        index.RemoveOthers(key, versions, _gone);
        DeleteGone();
        if (place is not null)
            kept.Take(place);
        return place;
    }

    private static ulong NewVersion()
    {
        Span<byte> random = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(random);
        return BitConverter.ToUInt64(random);
    }

    private List<DiskVariant> Read(UInt128 key, string text)
    {
        if (files.ReadHead(key) is not { } bytes)
            return [];
        if (HeadFile.TryRead(bytes, out var found, out var variants))
            return found == text ? variants : [];
        figures.FindCorrupt();
        return [];
    }

    /// <summary>All of a key.</summary>
    public void Remove(UInt128 key)
    {
        // Before all folders were looked through it may be there and not here.
        if (index.HasKey(key))
            index.Remove(key, _gone);
        else
            _gone.Add(DiskName.Head(key));
        DeleteGone();
    }

    /// <summary>What of one folder a run before has left.</summary>
    public void Scan(int folder)
    {
        var found = files.List(folder);
        var withHead = new HashSet<UInt128>();
        var withBlock = new HashSet<UInt128>();
        foreach (var (name, length) in found)
        {
            if (length <= (name.IsHead ? HeadFile.Largest : BlockFile.HeadSize + Block.Size))
                (name.IsHead ? withHead : withBlock).Add(name.Key);
        }
        withHead.IntersectWith(withBlock);
        foreach (var (name, length) in found)
        {
            if (name.IsHead && withHead.Contains(name.Key))
                index.SetHead(name.Key, length, null);
        }
        foreach (var (name, length) in found)
        {
            if (!withHead.Contains(name.Key))
                _gone.Add(name);
            else if (!name.IsHead)
                index.Add(name, length, toMain: true);
        }
        DeleteGone();
        // It may have been larger then.
        MakeRoom(0, 0, default);
    }

    /// <summary>Looks through one folder for what was purged.</summary>
    public void Sweep(int folder)
    {
        foreach (var (name, _) in files.List(folder))
        {
            if (!name.IsHead || files.ReadHead(name.Key) is not { } bytes)
                continue;
            var isHead = HeadFile.TryRead(bytes, out var key, out var variants);
            if (!isHead)
                figures.FindCorrupt();
            if (!isHead || variants.Exists(v => purges.Covers(key, v.Purges)))
            {
                Remove(name.Key);
                continue;
            }
            // What a crash left of an older version.
            index.RemoveOthers(name.Key, [.. variants.Select(static v => v.Version)], _gone);
            DeleteGone();
        }
    }

    /// <summary>The disk is full: a sixteenth of what is here goes, and no more is taken.</summary>
    public void GiveBack()
    {
        try
        {
            MakeRoom(index.Bound - index.Used + index.Used / 16, 0, default);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            figures.Fail();
        }
        index.Lean(true);
    }
}
