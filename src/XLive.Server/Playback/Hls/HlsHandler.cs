using System.Globalization;
using XLive.Media.Hls;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Live;
using XLive.Server.Playback.Http;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.Hls;

/// <summary>The playlists and segments of live streams, out of memory.</summary>
internal sealed class HlsHandler(HlsStreams streams, PlaylistAnswers playlists, TimeProvider clock) : IMediaSource
{
    private const string Extension = ".m3u8";

    // A player that came with the publisher would take a 404 for the end; the first segment takes as long as it lasts.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    public bool TryAnswer(Exchange exchange, in Admission admission, out ValueTask answer)
    {
        answer = default;
        if (streams.Count == 0)
            return false;
        var path = exchange.Target.Path;
        Span<Range> parts = stackalloc Range[5];
        // "", app, stream.m3u8; or "", app, stream, life, file.
        var count = path.Split(parts, '/');
        if (count == 3 && path.EndsWith(Extension, StringComparison.Ordinal))
        {
            if (Name(path[parts[1]], path[parts[2]][..^Extension.Length]) is not { } name || streams.Newest(name) is not { } stream)
                return false;
            answer = stream.Current is { } view ? MultivariantAsync(exchange, admission, stream, view) : AwaitAsync(exchange, admission, stream);
            return true;
        }
        if (count != 5 || Name(path[parts[1]], path[parts[2]]) is not { } of || streams.Find(of, path[parts[3]].ToString()) is not { Current: { } current } hls)
            return false;
        if (path[parts[4]].Equals(HlsStream.MediaName, StringComparison.Ordinal))
            answer = MediaAsync(exchange, admission, hls, current);
        else if (LiveSegment.TryReadName(path[parts[4]], out var number) && current.TryHold(number) is { } segment)
            answer = SegmentAsync(exchange, admission, hls, segment);
        else
            return false;
        return true;
    }

    private static StreamName? Name(ReadOnlySpan<char> app, ReadOnlySpan<char> stream) =>
        StreamName.IsPart(app) && StreamName.IsPart(stream) ? new StreamName(app.ToString(), stream.ToString()) : null;

    private async ValueTask AwaitAsync(Exchange exchange, Admission admission, HlsStream stream)
    {
        try
        {
            await stream.Ready.WaitAsync(Patience, clock, exchange.Aborted);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // Nothing yet, or nobody waits any more.
        }
        if (stream.Current is { } view)
            await MultivariantAsync(exchange, admission, stream, view);
        else
            await MediaErrors.WriteAsync(exchange, StatusCodes.Status404NotFound, "the stream has no segment yet");
    }

    private ValueTask MultivariantAsync(Exchange exchange, in Admission admission, HlsStream stream, LivePlaylistView view) =>
        PlaylistAsync(exchange, admission, stream.Multivariant(view), $"\"{stream.Life}-{view.Version}m\"");

    private ValueTask MediaAsync(Exchange exchange, in Admission admission, HlsStream stream, LivePlaylistView view) =>
        PlaylistAsync(exchange, admission, stream.Media(view), $"\"{stream.Life}-{view.Version}\"");

    private ValueTask PlaylistAsync(Exchange exchange, in Admission admission, HeldPlaylist playlist, string tag)
    {
        if (!exchange.IsHead)
            admission.Meter.CountRequest(FileKind.M3u8, exchange.Remote);
        return playlists.WriteAsync(exchange, admission, playlist, new FileFacts("application/vnd.apple.mpegurl", "", tag, "", 0));
    }

    private ValueTask SegmentAsync(Exchange exchange, in Admission admission, HlsStream stream, LiveSegment segment)
    {
        var buffer = segment.Segment.Buffer;
        try
        {
            if (!exchange.IsHead)
                admission.Meter.CountRequest(FileKind.Ts, exchange.Remote);
            var age = (long)segment.MaxAge(clock.GetUtcNow()).TotalSeconds;
            var facts = new FileFacts("video/mp2t", string.Create(CultureInfo.InvariantCulture, $"public, max-age={age}"), $"\"{stream.Life}-{segment.Number}s\"", "", 0);
            // Its memory is unmapped when it goes, and never written again.
            var sent = FileResponse.WriteAsync(exchange, facts, Body.Of(new BodyPiece(buffer.Bytes, Nobody.Instance, PagePipe.Least), FileKind.Ts), admission.Meter);
            if (!sent.IsCompletedSuccessfully)
            {
                var held = buffer;
                buffer = null;
                return ReleaseAsync(sent, held, exchange, stream);
            }
            stream.CountSent(exchange.BodyBytes);
            return default;
        }
        finally
        {
            buffer?.Release();
        }
    }

    private static async ValueTask ReleaseAsync(ValueTask sent, SegmentBuffer buffer, Exchange exchange, HlsStream stream)
    {
        try
        {
            await sent;
        }
        finally
        {
            stream.CountSent(exchange.BodyBytes);
            buffer.Release();
        }
    }

    /// <summary>The one who holds the segment is this handler.</summary>
    private sealed class Nobody : IBodyOwner
    {
        public static readonly Nobody Instance = new();

        public void Release()
        {
        }
    }
}
