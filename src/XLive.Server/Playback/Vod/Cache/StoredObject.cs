using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using XLive.Server.Playback.Http;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// One version of what an origin keeps under a path: its head, and those of its blocks that are here. The head is exchanged when the
/// origin says that nothing changed; another version is another object.
/// </summary>
internal sealed class StoredObject
{
    // By what is here, not by the length: that is somebody's word, and of ten thousand films few blocks are here at a time.
    private readonly ConcurrentDictionary<int, Block> _blocks = new(concurrencyLevel: 1, capacity: 1);
    private Kept _kept;

    public StoredObject(Wanted wanted, StoredHead head, long length)
    {
        Key = wanted.Key;
        (Path, Query, SentHeaders, Kind) = (wanted.Path, wanted.Query, wanted.SentHeaders, wanted.Kind);
        Length = length;
        Purges = wanted.Purges;
        _kept = new Kept(head, head.Asked(wanted.Request));
        KeyHash = (ulong)(uint)string.GetHashCode(wanted.Key, StringComparison.Ordinal) * 0x9E3779B97F4A7C15;
        BlockCount = (int)((length + Block.Size - 1) >> Block.Bits);
    }

    // They change together: a 304 may change what the object varies by.
    private sealed record Kept(StoredHead Head, StringValues[] Asked);

    public string Key { get; }

    // How its further blocks are asked for: as the first was, or an origin that varies would answer with another body.
    public string Path { get; }
    public string Query { get; }
    public IReadOnlyList<KeyValuePair<string, string>> SentHeaders { get; }
    public ulong KeyHash { get; }
    public MediaKind Kind { get; }
    public long Length { get; }
    public int BlockCount { get; }
    public StoredHead Head => Volatile.Read(ref _kept).Head;

    /// <summary>Where it is one, with what is made of it for viewers.</summary>
    public HeldPlaylist? Playlist { get; init; }

    /// <summary>Which origin it came from, where that matters: of a playlist.</summary>
    public string Origin { get; init; } = "";

    /// <summary>How often had been purged when it was asked for.</summary>
    public int Purges { get; }

    /// <summary>Where it lies on disk, if it does.</summary>
    public DiskPlace? Place { get; private set; }

    public void Take(DiskPlace place)
    {
        Place = place;
        Interlocked.MemoryBarrier();
        if (IsGone)
            place.Leave();
    }

    /// <summary>Of the playlist's own bytes: what is made of it is another representation than the origin's.</summary>
    public string PlaylistTag { get; init; } = "";

    /// <summary>A playlist that still grows: an old one freezes players (ExoPlayer#9364), so it is never answered with.</summary>
    public bool IsLive => Playlist is { Template: { IsMultivariant: false, HasEndList: false } };

    /// <summary>The origin has another version now, or an operator has purged it: readers end, nobody begins.</summary>
    public bool IsGone { get; private set; }

    /// <summary>A part of it did not come.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Monotonic milliseconds: when somebody last asked for bytes of it.</summary>
    public long LastWanted { get; private set; }

    public void Want() => LastWanted = Environment.TickCount64;

    public void MarkBroken() => IsBroken = true;

    public void Freshen(StoredHead head)
    {
        var request = new HeaderDictionary();
        foreach (var header in SentHeaders)
            request[header.Key] = header.Value;
        Volatile.Write(ref _kept, new Kept(head, head.Asked(request)));
    }

    public void Leave()
    {
        IsGone = true;
        // Whoever finds it a place meanwhile sees that it is gone, or is seen here.
        Interlocked.MemoryBarrier();
        Place?.Leave();
    }

    public bool Answers(IHeaderDictionary request)
    {
        var kept = Volatile.Read(ref _kept);
        return kept.Asked.Length == 0 || kept.Head.Matches(request, kept.Asked);
    }

    public int LengthOf(int index) => (int)Math.Min(Block.Size, Length - ((long)index << Block.Bits));

    /// <summary>The block, held for the caller, when it is here or on its way.</summary>
    public Block? Hold(int index)
    {
        if (!_blocks.TryGetValue(index, out var block) || block.HasFailed || !block.TryHold())
            return null;
        if (block.Uses < 3)
            block.Uses++;
        return block;
    }

    /// <summary>The byte can be sent now.</summary>
    public bool IsHere(long at) =>
        _blocks.TryGetValue((int)(at >> Block.Bits), out var block) && !block.HasFailed && block.Filled > ((int)at & (Block.Size - 1));

    /// <summary>Where it is sent from another form, its block on disk is used all the same.</summary>
    public void UsedOnDisk()
    {
        if (Place is not null)
            At(0)?.OnDisk?.Used();
    }

    public Block? At(int index) => _blocks.GetValueOrDefault(index);

    public bool Has(int index) => _blocks.TryGetValue(index, out var block) && !block.HasFailed;

    /// <summary>False: another is there already, or coming.</summary>
    public bool TryPlace(Block block) =>
        _blocks.TryGetValue(block.Index, out var there) ? there.HasFailed && _blocks.TryUpdate(block.Index, block, there) : _blocks.TryAdd(block.Index, block);

    public void Forget(Block block)
    {
        // An indivisible object's blocks stay in their places for those who hold them; nobody else finds it any more, but on disk.
        if (IsIndivisible)
            IsGone = true;
        else
            _blocks.TryRemove(KeyValuePair.Create(block.Index, block));
    }

    /// <summary>Without a strong tag its blocks cannot be asked for again one by one: it is here as a whole, or not.</summary>
    public bool IsIndivisible => Head.StrongTag is null;

    /// <summary>Holds all blocks, where one that goes meanwhile would be lost. False: one is lost.</summary>
    public bool TryPin()
    {
        for (var i = 0; i < BlockCount; i++)
        {
            if (Hold(i) is not null)
                continue;
            for (var held = 0; held < i; held++)
                _blocks[held].Release();
            return false;
        }
        return true;
    }

    /// <summary>Once for each <see cref="TryPin"/>, and for whoever made it.</summary>
    public void Unpin()
    {
        for (var i = 0; i < BlockCount; i++)
        {
            if (_blocks.TryGetValue(i, out var block))
                block.Release();
        }
    }
}
