using System.Globalization;
using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

public enum CmafResource : byte { Playlist, Map, Segment, Part }

/// <summary>
/// What a name below a presentation's URI means:
///
///     video.m3u8  video-whole.m3u8   a rendition's playlist; without parts
///     v0.mp4                         its EXT-X-MAP, another with each that was needed
///     v17.m4s  v17.3.m4s             the segment of a media sequence number, and one of its parts
/// </summary>
/// <param name="Number">Of the map or the segment.</param>
/// <param name="IsWhole">A playlist of whole segments alone.</param>
public readonly record struct CmafName(CmafResource Resource, TrackKind Kind, long Number = 0, int Part = 0, bool IsWhole = false)
{
    private const string Playlist = ".m3u8", Whole = "-whole.m3u8", MapEnd = ".mp4", MediaEnd = ".m4s";

    public static string OfPlaylist(TrackKind kind, bool isWhole = false) => (kind == TrackKind.Video ? "video" : "audio") + (isWhole ? Whole : Playlist);

    public static string OfMap(TrackKind kind, long number) => string.Create(CultureInfo.InvariantCulture, $"{Letter(kind)}{number}.mp4");

    public static string OfSegment(TrackKind kind, long number) => string.Create(CultureInfo.InvariantCulture, $"{Letter(kind)}{number}.m4s");

    public static string OfPart(TrackKind kind, long number, int part) => string.Create(CultureInfo.InvariantCulture, $"{Letter(kind)}{number}.{part}.m4s");

    /// <summary>False: it is none that would be written.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, out CmafName name)
    {
        name = default;
        if (text.Length < 2)
            return false;
        var kind = text[0] == 'v' ? TrackKind.Video : TrackKind.Audio;
        if (text.EndsWith(Playlist, StringComparison.Ordinal))
        {
            var isWhole = text.EndsWith(Whole, StringComparison.Ordinal);
            name = new(CmafResource.Playlist, kind, IsWhole: isWhole);
            return text.SequenceEqual(OfPlaylist(kind, isWhole));
        }
        if (text[0] != Letter(kind) || text.Length <= MapEnd.Length)
            return false;
        var middle = text[1..^MapEnd.Length];
        if (text.EndsWith(MapEnd, StringComparison.Ordinal))
        {
            if (!SequenceNumber.TryRead(middle, out var map))
                return false;
            name = new(CmafResource.Map, kind, map);
            return true;
        }
        if (!text.EndsWith(MediaEnd, StringComparison.Ordinal))
            return false;
        var dot = middle.IndexOf('.');
        var part = 0L;
        if (!SequenceNumber.TryRead(dot < 0 ? middle : middle[..dot], out var number) || (dot >= 0 && (!SequenceNumber.TryRead(middle[(dot + 1)..], out part) || part > int.MaxValue)))
            return false;
        name = new(dot < 0 ? CmafResource.Segment : CmafResource.Part, kind, number, (int)part);
        return true;
    }

    private static char Letter(TrackKind kind) => kind == TrackKind.Video ? 'v' : 'a';
}
