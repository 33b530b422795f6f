namespace XLive.Server.Playback.Http;

/// <summary>What a file is to a player and to a cache, told from its name.</summary>
public sealed record MediaKind(string Name, string ContentType, string CacheControl)
{
    // A segment's bytes never change under its name; a site that does replace one gets a new validator, and XLive itself looks again each second.
    private const string Immutable = "public, max-age=31536000, immutable";
    private const string Hour = "public, max-age=3600";
    private const string Minute = "public, max-age=60";
    internal const string Never = "private, no-store";

    public bool IsPlaylist => Name == "playlist";
    public bool IsKey => Name == "key";

    private static readonly MediaKind Other = new("other", "application/octet-stream", Hour);

    private static readonly Dictionary<string, MediaKind>.AlternateLookup<ReadOnlySpan<char>> ByExtension = new Dictionary<string, MediaKind>(StringComparer.OrdinalIgnoreCase)
    {
        ["m3u8"] = new("playlist", "application/vnd.apple.mpegurl", Minute),
        ["m3u"] = new("playlist", "application/vnd.apple.mpegurl", Minute),
        ["ts"] = new("ts", "video/mp2t", Immutable),
        ["m2ts"] = new("ts", "video/mp2t", Immutable),
        ["m4s"] = new("m4s", "video/mp4", Immutable),
        ["cmfv"] = new("m4s", "video/mp4", Immutable),
        ["cmfa"] = new("m4s", "audio/mp4", Immutable),
        ["mp4"] = new("mp4", "video/mp4", Immutable),
        ["m4v"] = new("mp4", "video/mp4", Immutable),
        ["mov"] = new("mp4", "video/quicktime", Immutable),
        ["m4a"] = new("audio", "audio/mp4", Immutable),
        ["aac"] = new("audio", "audio/aac", Immutable),
        ["mp3"] = new("audio", "audio/mpeg", Immutable),
        ["ac3"] = new("audio", "audio/ac3", Immutable),
        ["ec3"] = new("audio", "audio/eac3", Immutable),
        ["flac"] = new("audio", "audio/flac", Immutable),
        ["ogg"] = new("audio", "audio/ogg", Immutable),
        ["opus"] = new("audio", "audio/ogg", Immutable),
        ["webm"] = new("webm", "video/webm", Immutable),
        ["mkv"] = new("mkv", "video/x-matroska", Immutable),
        ["flv"] = new("flv", "video/x-flv", Immutable),
        ["key"] = new("key", "application/octet-stream", Never),
        ["vtt"] = new("subtitle", "text/vtt; charset=utf-8", Hour),
        ["webvtt"] = new("subtitle", "text/vtt; charset=utf-8", Hour),
        ["srt"] = new("subtitle", "application/x-subrip", Hour),
        ["ttml"] = new("subtitle", "application/ttml+xml", Hour),
        ["jpg"] = new("image", "image/jpeg", Hour),
        ["jpeg"] = new("image", "image/jpeg", Hour),
        ["png"] = new("image", "image/png", Hour),
        ["webp"] = new("image", "image/webp", Hour),
        ["gif"] = new("image", "image/gif", Hour),
        ["avif"] = new("image", "image/avif", Hour),
        ["mpd"] = new("manifest", "application/dash+xml", Minute),
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
