using System.Buffers;
using Microsoft.AspNetCore.Http;
using XLive.Media;
using XLive.Media.Codecs;
using XLive.Media.Flv;
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
        cursor.Takes = TakenOf(cursor);
        await PlayAsync(exchange, cursor, meter);
        if (cursor.NotTaken is not null)
            exchange.RefusedFor = OtherCodec;
    }

    private async ValueTask PlayAsync(Exchange exchange, Cursor cursor, Meter meter)
    {
        await exchange.StartEndlessAsync();
        if (!await exchange.SendPieceAsync(Body.Of(Beginning(cursor), FileKind.Flv), meter))
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

    /// <summary>
    /// Who fetches FLV has no word for codecs: he takes what his file began with. There is one of each kind in a file: to FFmpeg another one is a further track that nobody has
    /// chosen, and mpegts.js has a buffer for the first. So where the stream comes to be of another it ends, and who asks again is given a file of that.
    /// </summary>
    internal static CodecSet TakenOf(Cursor cursor) => TakenOf(cursor.Video, FourCc.Video).With(TakenOf(cursor.Audio, FourCc.Audio));

    private static CodecSet TakenOf(Track? track, ReadOnlySpan<Codec> any) => track is null ? CodecSet.Of(any) : CodecSet.Of(track.Codec);

    internal static ReadOnlyMemory<byte> Beginning(Cursor cursor)
    {
        var written = new ArrayBufferWriter<byte>(1024);
        var from = (uint)cursor.From.Milliseconds;
        FlvWriter.WriteHeader(written, cursor.Video is not null, cursor.Audio is not null);
        var metadata = new ArrayBufferWriter<byte>(512);
        FlvMetadata.Write(metadata, cursor.Video, cursor.Audio);
        // At 0: to FFmpeg one of another time is a subtitle.
        FlvWriter.WriteTag(written, FlvTagType.Script, 0, default, metadata.WrittenSpan);
        if (cursor.Video is { } video)
            FlvWriter.WriteConfiguration(written, video, from);
        if (cursor.Audio is { } audio)
            FlvWriter.WriteConfiguration(written, audio, from);
        return written.WrittenMemory;
    }
}
