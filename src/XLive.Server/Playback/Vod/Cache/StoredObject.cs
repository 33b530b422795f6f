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
    private readonly Block?[] _blocks;
    private readonly StringValues[] _asked;
    private StoredHead _head;

    public StoredObject(Wanted wanted, StoredHead head, long length)
    {
        Key = wanted.Key;
        (Path, Query, SentHeaders, Kind) = (wanted.Path, wanted.Query, wanted.SentHeaders, wanted.Kind);
        Length = length;
        _head = head;
        _asked = head.Asked(wanted.Request);
        KeyHash = (ulong)(uint)string.GetHashCode(wanted.Key, StringComparison.Ordinal) * 0x9E3779B97F4A7C15;
        _blocks = new Block?[(length + Block.Size - 1) >> Block.Bits];
    }

    public string Key { get; }

    // How its further blocks are asked for: as the first was, or an origin that varies would answer with another body.
    public string Path { get; }
    public string Query { get; }
    public IReadOnlyList<KeyValuePair<string, string>> SentHeaders { get; }
    public ulong KeyHash { get; }
    public MediaKind Kind { get; }
    public long Length { get; }
    public int BlockCount => _blocks.Length;
    public StoredHead Head => Volatile.Read(ref _head);

    /// <summary>Where it is one, with what is made of it for viewers.</summary>
    public HeldPlaylist? Playlist { get; init; }

    /// <summary>Of the playlist's own bytes: what is made of it is another representation than the origin's.</summary>
    public string PlaylistTag { get; init; } = "";

    /// <summary>A playlist that still grows: an old one freezes players (ExoPlayer#9364), so it is never answered with.</summary>
    public bool IsLive => Playlist is { Template: { IsMultivariant: false, HasEndList: false } };

    /// <summary>The origin has another version now, or an operator has purged it: readers end, nobody begins.</summary>
    public bool IsGone { get; private set; }


    /// <summary>A part of it did not come.</summary>
    public bool IsBroken { get; private set; }

    public void MarkBroken() => IsBroken = true;

    public void Freshen(StoredHead head) => Volatile.Write(ref _head, head);

    public void Leave() => IsGone = true;

    public bool Answers(IHeaderDictionary request) => _asked.Length == 0 || Head.Matches(request, _asked);

    public int LengthOf(int index) => (int)Math.Min(Block.Size, Length - ((long)index << Block.Bits));

    /// <summary>The block, held for the caller, when it is here or on its way.</summary>
    public Block? Hold(int index)
    {
        var block = Volatile.Read(ref _blocks[index]);
        if (block is null || block.HasFailed || !block.TryHold())
            return null;
        if (block.Uses < 3)
            block.Uses++;
        return block;
    }

    public bool Has(int index) => Volatile.Read(ref _blocks[index]) is { HasFailed: false };

    /// <summary>False: another is there already, or coming.</summary>
    public bool TryPlace(Block block)
    {
        ref var place = ref _blocks[block.Index];
        var there = Volatile.Read(ref place);
        return (there is null || there.HasFailed) && Interlocked.CompareExchange(ref place, block, there) == there;
    }

    public void Forget(Block block)
    {
        // An indivisible object's blocks stay in their places for those who hold them; nobody else finds it any more.
        if (IsIndivisible)
            Leave();
        else
            Interlocked.CompareExchange(ref _blocks[block.Index], null, block);
    }

    /// <summary>Without a strong tag its blocks cannot be asked for again one by one: it is here as a whole, or not.</summary>
    public bool IsIndivisible => Head.StrongTag is null;

    /// <summary>Holds all blocks, where one that goes meanwhile would be lost. False: one is lost.</summary>
    public bool TryPin()
    {
        for (var i = 0; i < _blocks.Length; i++)
        {
            if (Hold(i) is not null)
                continue;
            for (var held = 0; held < i; held++)
                _blocks[held]!.Release();
            return false;
        }
        return true;
    }

    /// <summary>Once for each <see cref="TryPin"/>, and for whoever made it.</summary>
    public void Unpin()
    {
        foreach (var block in _blocks)
            block?.Release();
    }
}
