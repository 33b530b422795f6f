using XLive.Server.Playback.Http;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// What may lie on disk, and what is worth its place. A media key must never: which file is one is known only when a playlist has named it, and
/// it may be asked for before. So what is as small as a key may be is written only where its bytes are what its name says, and of unknown
/// names nothing is.
/// </summary>
internal sealed class DiskAdmission(DiskIndex index, KeyPaths keys)
{
    // Without a strong tag it is here as a whole or not: that is read at once into memory.
    public const long LargestIndivisible = 8L * Block.Size;

    // Of blocks that were seen once while the disk was full, and of those that went lately.
    private readonly ulong[] _ghosts = new ulong[Math.Clamp(System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)(index.Limit / Block.Size)) * 2, 1 << 12, 1 << 18)];

    public bool MayLie(StoredObject kept)
    {
        var head = kept.Head;
        return head.Status == 200 && head.IsStorable && head.Store != StoreIn.Memory && kept.Length > 0 && (!kept.IsIndivisible || kept.Length <= LargestIndivisible)
            && IsKind(kept.Kind) && (!kept.Kind.IsPlaylist || (kept.Playlist is { } playlist && !kept.IsLive && !HoldsKey(playlist.Shared.Span))) && !IsKey(kept.Path, kept.Length);
    }

    /// <summary>Known by now to be one.</summary>
    public bool IsKey(string path, long length) => length <= KeyPaths.LargestKey && keys.Contains(path);

    /// <summary>Those that are never a key's name; a playlist of films is understood before.</summary>
    public static bool IsKind(MediaKind kind) => kind.IsSegment || kind.IsPlaylist || kind.Name is "subtitle" or "image";

    /// <summary>Of a small object's one block: is it what its name says?</summary>
    public static bool IsWhatItSays(StoredObject kept, ReadOnlySpan<byte> bytes) =>
        kept.Kind.IsPlaylist || kept.Length > KeyPaths.LargestKey || Signature.Fits(kept.Kind, bytes);

    // EXT-X-KEY may bring its key along, as a data: URI.
    private static bool HoldsKey(ReadOnlySpan<byte> playlist)
    {
        foreach (var range in playlist.Split((byte)'\n'))
        {
            var line = playlist[range];
            if ((line.StartsWith("#EXT-X-KEY"u8) || line.StartsWith("#EXT-X-SESSION-KEY"u8)) && line.IndexOf("\"data:"u8) >= 0)
                return true;
        }
        return false;
    }

    /// <summary>
    /// While there is room all are written. A full disk takes what was wanted twice: else a look through a library would write all of it, and
    /// flush what others come for.
    /// </summary>
    /// <param name="again">Somebody else has wanted it already.</param>
    public bool IsWorth(StoredObject kept, int block, bool again) =>
        again || kept.Head.Store == StoreIn.Disk || kept.Playlist is not null || index.HasRoom(kept.LengthOf(block)) || WasSeen(kept, block);

    private bool WasSeen(StoredObject kept, int block)
    {
        var key = (kept.KeyHash ^ ((ulong)block * 0x9E3779B97F4A7C15)) | 1;
        // No key is even, by which an empty place is told.
        ref var place = ref _ghosts[(key >> 1) & (ulong)(_ghosts.Length - 1)];
        return Interlocked.Exchange(ref place, key) == key;
    }
}
