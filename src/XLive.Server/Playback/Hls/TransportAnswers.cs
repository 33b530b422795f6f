using System.Globalization;
using XLive.Media.Hls;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Playback.Http;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.Hls;

/// <summary>A live stream in MPEG-TS.</summary>
internal sealed class TransportAnswers(PlaylistAnswers playlists, TimeProvider clock)
{
    public ValueTask MultivariantAsync(Exchange exchange, in Admission admission, HlsStream stream, LivePlaylistView view) =>
        PlaylistAsync(exchange, admission, stream.Multivariant(view), $"\"{stream.Life}-{view.Version}m\"");

    public bool TryAnswer(Exchange exchange, in Admission admission, HlsStream stream, LivePlaylistView view, ReadOnlySpan<char> file, out ValueTask answer)
    {
        answer = default;
        if (file.Equals(TransportPackager.MediaName, StringComparison.Ordinal))
            answer = PlaylistAsync(exchange, admission, stream.Media(view), $"\"{stream.Life}-{view.Version}\"");
        else if (LiveSegment.TryReadName(file, out var number) && view.TryHold(number) is { } segment)
            answer = SegmentAsync(exchange, admission, stream, segment);
        else
            return false;
        return true;
    }

    private ValueTask PlaylistAsync(Exchange exchange, in Admission admission, HeldPlaylist playlist, string tag)
    {
        if (!exchange.IsHead)
            admission.Meter.CountRequest(FileKind.M3u8, exchange.Remote);
        return playlists.WriteAsync(exchange, admission, playlist, new FileFacts("application/vnd.apple.mpegurl", "", tag, "", 0));
    }

    private ValueTask SegmentAsync(Exchange exchange, in Admission admission, HlsStream stream, LiveSegment segment)
    {
        var age = (long)segment.MaxAge(clock.GetUtcNow()).TotalSeconds;
        var facts = new FileFacts("video/mp2t", string.Create(CultureInfo.InvariantCulture, $"public, max-age={age}"), $"\"{stream.Life}-{segment.Number}s\"", "", 0);
        return HeldSegment.WriteAsync(exchange, admission, stream, segment.Segment.Buffer, segment.Segment.Buffer.Bytes, FileKind.Ts, facts);
    }
}
