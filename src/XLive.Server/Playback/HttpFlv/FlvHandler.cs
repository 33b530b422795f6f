using Microsoft.AspNetCore.Http;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Live;
using XLive.Server.Playback.Http;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.HttpFlv;

/// <summary>/{app}/{stream}.flv: a live stream as one response that lasts as long as it does.</summary>
internal sealed class FlvHandler(LiveStreams streams, Shards shards) : IMediaSource
{
    internal const string OtherCodec = "codec";

    private const string Extension = ".flv";

    public bool TryAnswer(Exchange exchange, in Admission admission, out ValueTask answer)
    {
        answer = default;
        if (streams.Count == 0 || NameOf(exchange.Target.Path) is not { } name || !streams.TryFind(name, out var stream))
            return false;
        var headers = exchange.Headers;
        Cors.Apply(headers);
        headers.ContentType = "video/x-flv";
        headers.CacheControl = MediaKind.Never;
        headers.XContentTypeOptions = "nosniff";
        if (exchange.IsHead)
            return true;
        admission.Meter.CountRequest(FileKind.Flv, exchange.Remote);
        answer = PlayAsync(exchange, stream, admission.Meter);
        return true;
    }

    internal static StreamName? NameOf(ReadOnlySpan<char> path)
    {
        var slash = path.LastIndexOf('/');
        if (slash < 1 || !path.EndsWith(Extension, StringComparison.Ordinal) || path[1..].IndexOf('/') != slash - 1)
            return null;
        return StreamName.TryOf(path[1..slash].ToString(), path[(slash + 1)..^Extension.Length].ToString(), out var name) ? name : null;
    }

    private async ValueTask PlayAsync(Exchange exchange, LiveStream stream, Meter meter)
    {
        using var cursor = stream.Watch();
        cursor.Takes = FlvHead.TakenOf(cursor);
        await PlayAsync(exchange, cursor, meter);
        if (cursor.NotTaken is not null)
            exchange.RefusedFor = OtherCodec;
    }

    private async ValueTask PlayAsync(Exchange exchange, Cursor cursor, Meter meter)
    {
        await exchange.StartEndlessAsync();
        if (!await exchange.SendPieceAsync(Body.Of(FlvHead.Of(cursor), FileKind.Flv), meter))
            return;
        if (exchange.TakePieces(meter, FileKind.Flv) is { } pieces)
        {
            await shards.PlayAsync(cursor, pieces, exchange.Aborted);
            if (meter.IsStopped)
                pieces.Cut(SendEnd.Stopped);
            if (exchange.Return(pieces) && cursor.IsOver)
                await exchange.EndAsync();
            return;
        }
        // What Kestrel encrypts or frames goes through its hands.
        while (true)
        {
            // Both before the look: what comes behind it wakes, and after the end nothing comes.
            var (coming, isOver) = (cursor.Coming, cursor.IsOver);
            if (cursor.TryRead(Cursor.MostAtOnce, out var piece))
            {
                try
                {
                    if (!await exchange.SendPieceAsync(Body.Of(piece, FileKind.Flv), meter))
                        return;
                }
                finally
                {
                    piece.Owner.Release();
                }
                continue;
            }
            if (isOver || cursor.NotTaken is not null)
                break;
            try
            {
                await coming.WaitAsync(exchange.Aborted);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
        await exchange.EndAsync();
    }
}
