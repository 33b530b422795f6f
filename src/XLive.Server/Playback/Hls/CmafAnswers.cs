using System.Globalization;
using XLive.Media;
using XLive.Media.Fmp4;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Playback.Http;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.Hls;

/// <summary>A live stream in fragmented MP4: what is there, and what a request may wait for. How long caches may keep each answer is in bis B.1; errors no cache keeps.</summary>
internal sealed class CmafAnswers(PlaylistAnswers playlists, TimeProvider clock)
{
    private const string ContentType = "video/mp4";

    private long _unblocked;
    private long _inVain;

    public long Unblocked => Volatile.Read(ref _unblocked);

    public long InVain => Volatile.Read(ref _inVain);

    public ValueTask MultivariantAsync(Exchange exchange, in Admission admission, HlsStream stream, PresentationView view, bool isWhole)
    {
        Count(exchange, admission, FileKind.M3u8);
        var tag = string.Create(CultureInfo.InvariantCulture, $"\"{stream.Life}-{view.Entries[^1].Number}{(view.HasEnded ? "e" : "")}{(isWhole ? "mw" : "m")}\"");
        return playlists.WriteAsync(exchange, admission, stream.Multivariant(view.Multivariant(isWhole), isWhole), new FileFacts("application/vnd.apple.mpegurl", "", tag, "", 0));
    }

    /// <summary>False: nothing of it has a segment yet.</summary>
    public bool TryMultivariant(Exchange exchange, in Admission admission, HlsEvent of, bool isWhole, out ValueTask answer)
    {
        answer = default;
        if (of.Multivariant(isWhole, out var facts) is not { } playlist)
            return false;
        Count(exchange, admission, FileKind.M3u8);
        answer = playlists.WriteAsync(exchange, admission, playlist, facts);
        return true;
    }

    /// <summary>False: there is no such thing, and will not be.</summary>
    /// <param name="of">Not null: it is asked for as a rendition of an event.</param>
    public bool TryAnswer(Exchange exchange, in Admission admission, HlsStream stream, HlsRendition? of, PresentationView view, in CmafName name, out ValueTask answer)
    {
        answer = default;
        if (view.Of(name.Kind) is not { } playlist)
            return false;
        switch (name.Resource)
        {
            case CmafResource.Playlist when name.IsWhole || view.PartTarget == 0:
                answer = TextAsync(exchange, admission, stream, of, playlist, PlaylistScope.WholeSegments, Math.Max(1, view.TargetDuration / 2));
                return true;
            case CmafResource.Playlist:
                answer = PlaylistAsync(exchange, admission, stream, of, view, playlist);
                return true;
            case CmafResource.Map when view.FindMap(name.Kind, name.Number) is { } map:
                Count(exchange, admission, FileKind.Mp4);
                answer = FileResponse.WriteAsync(exchange, Facts(stream, $"{Letter(name.Kind)}{name.Number}i", 6 * view.TargetDuration), Sending.Body.Of(map.Bytes, FileKind.Mp4), admission.Meter);
                return true;
            case CmafResource.Segment when view.TryHoldSegment(name.Kind, name.Number, out var entry) is { } buffer:
                var facts = Facts(stream, $"{Letter(name.Kind)}{name.Number}", (long)entry!.MaxAge(clock.GetUtcNow()).TotalSeconds);
                answer = HeldSegment.WriteAsync(exchange, admission, stream, buffer, buffer.Bytes, FileKind.M4s, facts);
                return true;
            case CmafResource.Part when TryPart(exchange, admission, stream, view, name, out answer):
                return true;
            case CmafResource.Part when view.PartTarget > 0 && playlist.IsHinted(name.Number, name.Part):
                answer = AwaitPartAsync(exchange, admission, stream, name);
                return true;
            default:
                return false;
        }
    }

    private ValueTask PlaylistAsync(Exchange exchange, in Admission admission, HlsStream stream, HlsRendition? of, PresentationView view, RenditionPlaylist playlist)
    {
        if (playlist.HasEnded)
            return TextAsync(exchange, admission, stream, of, playlist, PlaylistScope.All, Math.Max(1, view.TargetDuration / 2));
        if (!BlockingReload.TryRead(exchange.Target.Query, out var reload))
            return RefuseAsync(exchange, "_HLS_msn and _HLS_part are whole numbers, each at most once, and a part is one of a segment");
        var scope = reload.Skips ? PlaylistScope.Skipping : PlaylistScope.All;
        if (reload.Number < 0)
            return TextAsync(exchange, admission, stream, of, playlist, scope, Math.Max(1, view.TargetDuration / 2));
        if (playlist.Reaches(reload.Number, reload.Part))
            return TextAsync(exchange, admission, stream, of, playlist, scope, 6 * view.TargetDuration);
        if (playlist.IsTooFar(reload.Number, reload.Part))
            return RefuseAsync(exchange, "what _HLS_msn and _HLS_part name is too far ahead");
        return AwaitAsync(exchange, admission, stream, of, new Awaited(playlist.Kind, reload.Number, reload.Part, IsHint: false), scope);
    }

    private async ValueTask AwaitAsync(Exchange exchange, Admission admission, HlsStream stream, HlsRendition? of, Awaited awaited, PlaylistScope scope)
    {
        if (!await IsSettledAsync(exchange, stream, awaited))
            return;
        if (stream.Cmaf?.Current is { } view && view.Of(awaited.Kind) is { } playlist)
            await TextAsync(exchange, admission, stream, of, playlist, scope, 6 * view.TargetDuration);
        else
            await MediaErrors.WriteAsync(exchange, StatusCodes.Status404NotFound, "the stream is over");
    }

    private async ValueTask AwaitPartAsync(Exchange exchange, Admission admission, HlsStream stream, CmafName name)
    {
        if (!await IsSettledAsync(exchange, stream, new Awaited(name.Kind, name.Number, name.Part, IsHint: true)))
            return;
        if (stream.Cmaf?.Current is { } view && TryPart(exchange, admission, stream, view, name, out var answer))
            await answer;
        else
            await MediaErrors.WriteAsync(exchange, StatusCodes.Status404NotFound, "the segment ended before this part");
    }

    /// <summary>False: it was answered, or nobody waits for the answer.</summary>
    private async ValueTask<bool> IsSettledAsync(Exchange exchange, HlsStream stream, Awaited awaited)
    {
        if (stream.Cmaf is not { } cmaf)
            return true;
        switch (await cmaf.Blocked.WaitAsync(awaited, clock.GetUtcNow(), exchange.Aborted))
        {
            case BlockedEnd.Settled:
                Interlocked.Increment(ref _unblocked);
                return true;
            case BlockedEnd.Left:
                return false;
            case BlockedEnd.TooMany:
                Interlocked.Increment(ref _inVain);
                exchange.Headers.RetryAfter = "1";
                await MediaErrors.WriteAsync(exchange, StatusCodes.Status503ServiceUnavailable, "too many wait for this stream");
                return false;
            default:
                Interlocked.Increment(ref _inVain);
                await MediaErrors.WriteAsync(exchange, StatusCodes.Status503ServiceUnavailable, "the stream stands still");
                return false;
        }
    }

    private bool TryPart(Exchange exchange, in Admission admission, HlsStream stream, PresentationView view, in CmafName name, out ValueTask answer)
    {
        answer = default;
        if (view.PartTarget == 0 || view.TryHoldPart(name.Kind, name.Number, name.Part, out var part, out var entry) is not { } buffer)
            return false;
        // Listed or not, it stays as long as its segment; of one that is still being written that is longer than any cache is told.
        var age = 6L * view.TargetDuration;
        if (entry is not null)
            age = Math.Min(age, (long)entry.MaxAge(clock.GetUtcNow()).TotalSeconds);
        var facts = Facts(stream, $"{Letter(name.Kind)}{name.Number}.{name.Part}", age);
        answer = HeldSegment.WriteAsync(exchange, admission, stream, buffer, buffer.Bytes.Slice(part!.Offset, part.Length), FileKind.M4s, facts);
        return true;
    }

    private ValueTask TextAsync(Exchange exchange, in Admission admission, HlsStream stream, HlsRendition? of, RenditionPlaylist playlist, PlaylistScope scope, int age)
    {
        Count(exchange, admission, FileKind.M3u8);
        var form = scope switch { PlaylistScope.Skipping => "d", PlaylistScope.WholeSegments => "w", _ => "" };
        var tag = string.Create(CultureInfo.InvariantCulture, $"\"{stream.Life}-{Letter(playlist.Kind)}{playlist.LastWhole}.{playlist.OpenParts}{(playlist.HasEnded ? "e" : "")}{form}\"");
        var name = CmafName.OfPlaylist(playlist.Kind, scope == PlaylistScope.WholeSegments);
        var whole = of?.Event.Scope ?? stream.Scope;
        return playlists.WriteAsync(exchange, admission, playlist.Text(scope, of), $"{whole}/{stream.Life}/{name}", whole, age, tag);
    }

    private static ValueTask RefuseAsync(Exchange exchange, string detail) => MediaErrors.WriteAsync(exchange, StatusCodes.Status400BadRequest, detail);

    private static FileFacts Facts(HlsStream stream, string name, long age) =>
        new(ContentType, string.Create(CultureInfo.InvariantCulture, $"public, max-age={age}"), $"\"{stream.Life}-{name}\"", "", 0);

    private static char Letter(TrackKind kind) => kind == TrackKind.Video ? 'v' : 'a';

    private static void Count(Exchange exchange, in Admission admission, FileKind kind)
    {
        if (!exchange.IsHead)
            admission.Meter.CountRequest(kind, exchange.Remote);
    }
}
