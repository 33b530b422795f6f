using XLive.Server.Traffic;

namespace XLive.Server.Playback.Http;

/// <summary>What a file is to a player and to a cache, told from its name.</summary>
public sealed record MediaKind(string Name, string ContentType, string CacheControl, FileKind Counted = FileKind.Other)
{
    // A segment's bytes never change under its name; a site that does replace one gets a new validator, and XLive itself looks again each second.
    internal const string Immutable = "public, max-age=31536000, immutable";
    private const string Hour = "public, max-age=3600";
    private const string Minute = "public, max-age=60";
    internal const string Never = "private, no-store";

    public bool IsPlaylist => Name == "playlist";
    public bool IsKey => Name == "key";

    /// <summary>Sound and pictures: large, and never another under the same name.</summary>
    public bool IsSegment => CacheControl == Immutable;

    private static readonly MediaKind Other = new("other", "application/octet-stream", Hour);

    private static readonly Dictionary<string, MediaKind>.AlternateLookup<ReadOnlySpan<char>> ByExtension = new Dictionary<string, MediaKind>(StringComparer.OrdinalIgnoreCase)
    {
        ["m3u8"] = new("playlist", "application/vnd.apple.mpegurl", Minute, FileKind.M3u8),
        ["m3u"] = new("playlist", "application/vnd.apple.mpegurl", Minute, FileKind.M3u8),
        ["ts"] = new("ts", "video/mp2t", Immutable, FileKind.Ts),
        ["m2ts"] = new("ts", "video/mp2t", Immutable, FileKind.Ts),
        ["m4s"] = new("m4s", "video/mp4", Immutable, FileKind.M4s),
        ["cmfv"] = new("m4s", "video/mp4", Immutable, FileKind.M4s),
        ["cmfa"] = new("m4s", "audio/mp4", Immutable, FileKind.M4s),
        ["mp4"] = new("mp4", "video/mp4", Immutable, FileKind.Mp4),
        ["m4v"] = new("mp4", "video/mp4", Immutable, FileKind.Mp4),
        ["mov"] = new("mp4", "video/quicktime", Immutable, FileKind.Mp4),
        ["m4a"] = new("audio", "audio/mp4", Immutable, FileKind.Audio),
        ["aac"] = new("audio", "audio/aac", Immutable, FileKind.Audio),
        ["mp3"] = new("audio", "audio/mpeg", Immutable, FileKind.Audio),
        ["ac3"] = new("audio", "audio/ac3", Immutable, FileKind.Audio),
        ["ec3"] = new("audio", "audio/eac3", Immutable, FileKind.Audio),
        ["flac"] = new("audio", "audio/flac", Immutable, FileKind.Audio),
        ["ogg"] = new("audio", "audio/ogg", Immutable, FileKind.Audio),
        ["opus"] = new("audio", "audio/ogg", Immutable, FileKind.Audio),
        ["webm"] = new("webm", "video/webm", Immutable, FileKind.Webm),
        ["mkv"] = new("mkv", "video/x-matroska", Immutable, FileKind.Mkv),
        ["flv"] = new("flv", "video/x-flv", Immutable, FileKind.Flv),
        ["key"] = new("key", "application/octet-stream", Never, FileKind.Key),
        ["vtt"] = new("subtitle", "text/vtt; charset=utf-8", Hour, FileKind.Vtt),
        ["webvtt"] = new("subtitle", "text/vtt; charset=utf-8", Hour, FileKind.Vtt),
        ["srt"] = new("subtitle", "application/x-subrip", Hour, FileKind.Vtt),
        ["ttml"] = new("subtitle", "application/ttml+xml", Hour, FileKind.Vtt),
        ["jpg"] = new("image", "image/jpeg", Hour, FileKind.Jpg),
        ["jpeg"] = new("image", "image/jpeg", Hour, FileKind.Jpg),
        ["png"] = new("image", "image/png", Hour, FileKind.Jpg),
        ["webp"] = new("image", "image/webp", Hour, FileKind.Jpg),
        ["gif"] = new("image", "image/gif", Hour, FileKind.Jpg),
        ["avif"] = new("image", "image/avif", Hour, FileKind.Jpg),
        ["mpd"] = new("manifest", "application/dash+xml", Minute, FileKind.Mpd),
        ["json"] = new("data", "application/json", Hour),
        ["txt"] = new("data", "text/plain; charset=utf-8", Hour),
        ["xml"] = new("data", "application/xml", Hour),
    }.GetAlternateLookup<ReadOnlySpan<char>>();

    public static MediaKind Of(ReadOnlySpan<char> path)
    {
        var dot = path.LastIndexOf('.');
        return dot > path.LastIndexOf('/') && ByExtension.TryGetValue(path[(dot + 1)..], out var kind) ? kind : Other;
    }

    /// <summary>Names that are never served: dotfiles, key descriptions of packagers, files still being written.</summary>
    public static bool IsHidden(ReadOnlySpan<char> path) =>
        path.Contains("/.", StringComparison.Ordinal)
        || path.EndsWith(".keyinfo", StringComparison.OrdinalIgnoreCase)
        || path.EndsWith(".tmp", StringComparison.OrdinalIgnoreCase)
        || path.EndsWith(".part", StringComparison.OrdinalIgnoreCase);
}
