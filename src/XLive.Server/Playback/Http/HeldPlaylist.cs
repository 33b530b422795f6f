using System.IO.Compression;
using XLive.Media.Hls;

namespace XLive.Server.Playback.Http;

/// <summary>
/// A playlist held ready: the bytes that everyone gets below a session's path, plain and gzipped, and the template from which an entry
/// is spliced for one viewer.
/// </summary>
internal sealed class HeldPlaylist
{
    // Below this a gzip frame saves no packet.
    public const int MinGzip = 512;

    public HeldPlaylist(PlaylistTemplate template, ReadOnlySpan<byte> asWritten)
        : this(template, asWritten, template.CommonScope, AgeOf(template))
    {
    }

    /// <param name="scope">What a session that begins with this playlist may play.</param>
    /// <param name="age">Seconds for which a cache may keep it.</param>
    public HeldPlaylist(PlaylistTemplate template, ReadOnlySpan<byte> asWritten, string scope, int age)
    {
        Template = template;
        Scope = scope;
        Shared = template.Shared;
        IsAsWritten = Shared.Span.SequenceEqual(asWritten);
        Gzipped = Shared.Length >= MinGzip ? Gzip(Shared, CompressionLevel.Optimal) : null;
        CacheControl = "public, max-age=" + age;
        PrivateCacheControl = "private, max-age=" + age;
    }

    // A playlist that still grows may be half a target duration old, never more (RFC 8216bis appendix B).
    private static int AgeOf(PlaylistTemplate template) =>
        template.IsMultivariant || template.HasEndList || template.TargetDuration <= 0 ? 60 : Math.Max(1, template.TargetDuration / 2);

    public PlaylistTemplate Template { get; }
    public string Scope { get; }
    public ReadOnlyMemory<byte> Shared { get; }
    public byte[]? Gzipped { get; }

    /// <summary>Nothing in it had to become relative: it is the file.</summary>
    public bool IsAsWritten { get; }
    public string CacheControl { get; }

    /// <summary>For a URL that carries a viewer's grant.</summary>
    public string PrivateCacheControl { get; }
    public long HeldBytes => Shared.Length + (Gzipped?.Length ?? 0);

    /// <summary>Another encoding is another representation, and needs a tag of its own (RFC 9110 section 8.8.3.3).</summary>
    public string GzippedTag(string etag) => _gzippedTag ??= etag[..^1] + "-gz\"";

    private string? _gzippedTag;

    public static byte[] Gzip(ReadOnlyMemory<byte> plain, CompressionLevel level)
    {
        using var into = new MemoryStream(plain.Length / 4 + 64);
        using (var gzip = new GZipStream(into, level, leaveOpen: true))
            gzip.Write(plain.Span);
        return into.ToArray();
    }
}
