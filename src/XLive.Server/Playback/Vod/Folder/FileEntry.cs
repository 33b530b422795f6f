using System.Globalization;
using XLive.Server.Playback.Http;
using XLive.Server.Sending;

namespace XLive.Server.Playback.Vod.Folder;

/// <summary>
/// One version of one file: what it was when it was opened, and its bytes or an open handle. Never changed after it is made, but for
/// the time of the last look; a file that changed gets a new entry, and who sends the old one goes on with the old one.
/// </summary>
internal sealed class FileEntry
{
    private readonly SendableFile? _file;

    // Holders: the table is one, every send under way another. The handle closes with the last.
    private Holders _holders = new();

    public FileEntry(string path, FileIdentity identity, MediaKind kind, SendableFile? file, byte[]? bytes, HeldPlaylist? playlist)
    {
        Path = path;
        Identity = identity;
        Kind = kind;
        Bytes = bytes;
        Playlist = playlist;
        _file = file;
        ModifiedSeconds = Math.Max(0, identity.ModifiedNs / 1_000_000_000);
        // Size, nanoseconds and inode: size and whole seconds alone collide when a packager rewrites a file within a second.
        ETag = string.Create(CultureInfo.InvariantCulture, $"\"{identity.Size:x}-{identity.ModifiedNs:x}-{identity.Inode:x}\"");
        LastModified = DateTimeOffset.FromUnixTimeSeconds(ModifiedSeconds).ToString("R", CultureInfo.InvariantCulture);
        // A file of exactly one AES block is a key whatever its name (RFC 8216 section 5): better a cache miss than a key in a cache.
        CacheControl = identity.Size == 16 ? MediaKind.Never : playlist?.CacheControl ?? kind.CacheControl;
    }

    public string Path { get; }
    public FileIdentity Identity { get; }
    public MediaKind Kind { get; }
    public long Length => Identity.Size;
    public long ModifiedSeconds { get; }
    public string ETag { get; }
    public string LastModified { get; }
    public string CacheControl { get; }
    public byte[]? Bytes { get; }
    public HeldPlaylist? Playlist { get; }

    /// <summary>What the memory tier is charged.</summary>
    public long HeldBytes => (Bytes?.Length ?? 0) + (Playlist?.HeldBytes ?? 0) + 1024;
    public bool HoldsHandle => _file is not null;

    /// <summary>Monotonic time of the last look at the file itself.</summary>
    public long CheckedAt;

    /// <summary>Used since the table last passed by.</summary>
    public bool Referenced;

    public Body Body => Bytes is not null ? Body.Of(Bytes, Kind.Counted) : Body.Of(_file!, 0, Length, Kind.Counted);

    public bool TryHold() => _holders.TryJoin();

    public void Release()
    {
        if (_holders.Leave())
            _file?.Dispose();
    }
}
