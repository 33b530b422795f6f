using XLive.Server.Playback.Hls;
using XLive.Server.Sessions;

namespace XLive.Server.Operations.Metrics;

/// <summary>Who watches HLS. Playlists and segments are requests of their own: who has fetched some lately watches.</summary>
internal static class StreamViewers
{
    // Who has fetched nothing for so long plays no more; the longest segment there is lasts a quarter of it.
    private static readonly TimeSpan StillPlays = TimeSpan.FromSeconds(40);

    /// <summary>By "/{app}/{stream}".</summary>
    public static Dictionary<string, int> OfHls(SessionTable sessions, HlsStreams hls, TimeProvider clock)
    {
        var found = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var session in sessions.All)
        {
            if (clock.GetElapsedTime(session.LastSeen) > StillPlays || session.Path is not { Length: > 0 } path || hls.WatchedAt(path) is not { } stream)
                continue;
            found[stream] = found.GetValueOrDefault(stream) + 1;
        }
        return found;
    }
}
