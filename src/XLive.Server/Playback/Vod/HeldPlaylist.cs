using System.IO.Compression;
using XLive.Media.Hls;

namespace XLive.Server.Playback.Vod;

/// <summary>
/// A playlist held ready: the bytes that everyone gets below a session's path, plain and gzipped, and the template from which an entry
/// is spliced for one viewer.
/// </summary>
internal sealed class HeldPlaylist
{
    // Below this a gzip frame saves no packet.
    private const int MinGzip = 512;

    public HeldPlaylist(PlaylistTemplate template)
    {
        Template = template;
        Shared = template.Shared;
        Gzipped = Shared.Length >= MinGzip ? Gzip(Shared, CompressionLevel.Optimal) : null;
        // A playlist that still grows may be half a target duration old, never more (RFC 8216bis appendix B).
        CacheControl = template.IsMultivariant || template.HasEndList || template.TargetDuration <= 0
            ? "public, max-age=60"
            : "public, max-age=" + Math.Max(1, (int)template.TargetDuration / 2);
    }

    public PlaylistTemplate Template { get; }
    public ReadOnlyMemory<byte> Shared { get; }
    public byte[]? Gzipped { get; }
    public string CacheControl { get; }
    public long HeldBytes => Shared.Length + (Gzipped?.Length ?? 0);

    public static byte[] Gzip(ReadOnlyMemory<byte> plain, CompressionLevel level)
    {
        using var into = new MemoryStream(plain.Length / 4 + 64);
        using (var gzip = new GZipStream(into, level, leaveOpen: true))
            gzip.Write(plain.Span);
        return into.ToArray();
    }
}
