using XLive.Media.Fmp4;
using XLive.Media.Hls;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Live;
using XLive.Server.Playback.Http;

namespace XLive.Server.Playback.Hls;

/// <summary>The playlists and segments of live streams, out of memory: whose they are, and in which container.</summary>
internal sealed class HlsHandler(HlsStreams streams, TransportAnswers transport, CmafAnswers cmaf, TimeProvider clock) : IMediaSource
{
    private const string Extension = ".m3u8";
    private const string WholeSegments = "low_latency=0", Transport = "container=ts";

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
            if (Name(path[parts[1]], path[parts[2]][..^Extension.Length]) is not { } name)
                return false;
            if ((streams.Newest(name) ?? streams.Event(name)?.Newest) is not { } stream)
                return false;
            if (!TryMultivariant(exchange, admission, name, stream, out answer))
                answer = AwaitAsync(exchange, admission, name, stream);
            return true;
        }
        if (count != 5 || Name(path[parts[1]], path[parts[2]]) is not { } of || streams.Find(of, path[parts[3]].ToString(), out var rendition) is not { } hls)
            return false;
        var file = path[parts[4]];
        if (hls.Cmaf?.Current is { } presentation && CmafName.TryRead(file, out var wanted))
            return cmaf.TryAnswer(exchange, admission, hls, rendition, presentation, wanted, out answer);
        return hls.Name == of && hls.Transport?.Current is { } playlist && transport.TryAnswer(exchange, admission, hls, playlist, file, out answer);
    }

    private static StreamName? Name(ReadOnlySpan<char> app, ReadOnlySpan<char> stream) =>
        StreamName.IsPart(app) && StreamName.IsPart(stream) ? new StreamName(app.ToString(), stream.ToString()) : null;

    /// <summary>False: there is no segment yet.</summary>
    private bool TryMultivariant(Exchange exchange, in Admission admission, in StreamName name, HlsStream stream, out ValueTask answer)
    {
        answer = default;
        var query = exchange.Target.Query;
        var isOwn = stream.Name == name;
        if (streams.Event(name) is { } several && !(isOwn && Has(query, Transport) && stream.GivesTransport(true))
            && cmaf.TryMultivariant(exchange, admission, several, isWhole: Has(query, WholeSegments), out answer))
        {
            return true;
        }
        // Another's playlists lie where this link does not lead.
        if (!isOwn)
            return false;
        if (stream.GivesTransport(Has(query, Transport)))
        {
            if (stream.Transport?.Current is not { } playlist)
                return false;
            answer = transport.MultivariantAsync(exchange, admission, stream, playlist);
            return true;
        }
        if (stream.Cmaf?.Current is not { } presentation)
            return false;
        answer = cmaf.MultivariantAsync(exchange, admission, stream, presentation, isWhole: Has(query, WholeSegments));
        return true;
    }

    private static bool Has(ReadOnlySpan<char> query, ReadOnlySpan<char> pair)
    {
        foreach (var range in query.Split('&'))
        {
            if (query[range].SequenceEqual(pair))
                return true;
        }
        return false;
    }

    private async ValueTask AwaitAsync(Exchange exchange, Admission admission, StreamName name, HlsStream stream)
    {
        try
        {
            await stream.Ready.WaitAsync(Patience, clock, exchange.Aborted);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // Nothing yet, or nobody waits any more.
        }
        if (TryMultivariant(exchange, admission, name, stream, out var answer))
            await answer;
        else
            await MediaErrors.WriteAsync(exchange, StatusCodes.Status404NotFound, "the stream has no segment yet");
    }
}
