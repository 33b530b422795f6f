using System.Globalization;
using System.Text;

namespace XLive.Media.Hls;

/// <summary>Lines that playlists of both containers have.</summary>
internal static class PlaylistLines
{
    public const string EndList = "#EXT-X-ENDLIST\n";

    // On each segment: put on the first alone, it would be an edit of what was listed before (bis 6.2.1) each time another is the first.
    public static void ProgramDateTime(StringBuilder text, DateTimeOffset date) =>
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-PROGRAM-DATE-TIME:{date.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fff}Z\n");
}
