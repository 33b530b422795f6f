using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Live;
using XLive.Server.Playback.Http;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.HttpFlv;

/// <summary>/{app}/{stream}.flv asked for as a WebSocket: binary messages, the file's header and what the tracks are in the first, whole tags in the others.</summary>
internal sealed class WsFlvHandler(LiveStreams streams, TimeProvider clock) : IMediaSource
{
    public bool OpensWebSockets => true;

    public bool TryAnswer(Exchange exchange, in Admission admission, out ValueTask answer)
    {
        answer = default;
        if (streams.Count == 0 || !exchange.AsksForWebSocket || FlvHandler.NameOf(exchange.Target.Path) is not { } name || !streams.TryFind(name, out var stream))
            return false;
        if (exchange.RefusesWebSocket(out var why) is var status and not 0)
        {
            answer = MediaErrors.WriteAsync(exchange, status, why);
            return true;
        }
        admission.Meter.CountRequest(FileKind.Flv, exchange.Remote);
        answer = PlayAsync(exchange, stream, admission.Meter);
        return true;
    }

    private async ValueTask PlayAsync(Exchange exchange, LiveStream stream, Meter meter)
    {
        using var socket = new ViewerSocket(exchange, await exchange.AcceptWebSocketAsync(), clock);
        var words = "The stream has ended.";
        using (var cursor = stream.Watch(ViewerKind.WsFlv))
        {
            cursor.Takes = FlvHead.TakenOf(cursor);
            await PlayAsync(socket, cursor, meter);
            if (cursor.NotTaken is { } track)
                (exchange.RefusedFor, words) = (FlvHandler.OtherCodec, $"The stream goes on with {track.CodecName}.");
        }
        await (meter.IsStopped ? socket.EndAsync(ViewerSocket.Refused, meter.StoppedFor.ToString()) : socket.EndAsync(ViewerSocket.Ended, words));
    }

    private static async ValueTask PlayAsync(ViewerSocket socket, Cursor cursor, Meter meter)
    {
        var isSlow = false;
        if (!await socket.SendAsync(Body.Of(FlvHead.Of(cursor), FileKind.Flv), meter))
            return;
        while (!meter.IsStopped)
        {
            // Both before the look: what comes behind it wakes, and after the end nothing comes.
            var (coming, isOver) = (cursor.Coming, cursor.IsOver);
            if (isSlow && !await socket.RoomAsync(meter))
                return;
            if (cursor.TryRead(isSlow ? Cursor.MostOfSlow : Cursor.MostAtOnce, out var piece))
            {
                try
                {
                    var sending = socket.SendAsync(Body.Of(piece, FileKind.Flv), meter);
                    isSlow = !sending.IsCompleted;
                    if (!await sending)
                        return;
                }
                finally
                {
                    piece.Owner.Release();
                }
                continue;
            }
            if (isOver || cursor.NotTaken is not null)
                return;
            try
            {
                await coming.WaitAsync(socket.Left);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
