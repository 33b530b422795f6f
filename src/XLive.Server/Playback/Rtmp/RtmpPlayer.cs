using System.Buffers;
using XLive.Media;
using XLive.Media.Rtmp;
using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.Rtmp;

/// <summary>
/// One who plays: what the tracks are, then what the stream's chunks are from the newest keyframe on, as they lie there for all players. One whose socket is full
/// waits with nothing in hand, and goes on where the stream then is.
/// </summary>
internal sealed class RtmpPlayer(LiveStream stream, Meter meter, PlayRequest request, RtmpConnection connection, RtmpPlayers home) : IRtmpPlayer
{
    // What the player wishes, said on the connection's thread. Behind its answer nothing is read any more that it did not wish for.
    private readonly Lock _gate = new();
    private bool _isPaused;
    private bool _wantsKey;
    private bool _wantsAudio = true;
    private bool _wantsVideo = true;
    private CancellationTokenSource? _plain;

    public void Tell(RtmpEventKind what)
    {
        lock (_gate)
        {
            switch (what)
            {
                case RtmpEventKind.Paused:
                    _isPaused = true;
                    break;
                case RtmpEventKind.Resumed:
                    _wantsKey |= _isPaused;
                    _isPaused = false;
                    break;
                case RtmpEventKind.AudioWanted or RtmpEventKind.AudioUnwanted:
                    _wantsAudio = what == RtmpEventKind.AudioWanted;
                    break;
                case RtmpEventKind.VideoWanted or RtmpEventKind.VideoUnwanted:
                    _wantsVideo = what == RtmpEventKind.VideoWanted;
                    break;
            }
            if (!WantsAll)
                _plain?.Cancel();
        }
    }

    private bool WantsAll => !_isPaused && _wantsAudio && _wantsVideo;

    private bool TryRead(Cursor cursor, int most, out BodyPiece piece, out bool audio, out bool video)
    {
        lock (_gate)
        {
            (audio, video, piece) = (_wantsAudio, _wantsVideo, default);
            if (_wantsKey)
                cursor.GoToKey();
            _wantsKey = false;
            return !_isPaused && cursor.TryRead(most, out piece);
        }
    }

    public async Task PlayAsync(RtmpOutput output, uint streamId, CancellationToken gone)
    {
        var before = output.BodySent;
        using var cursor = stream.Watch(ViewerKind.Rtmp);
        cursor.Takes = connection.Connect.Codecs.Taken;
        try
        {
            // Of one who waited for the stream nobody knew before.
            var lacking = RtmpPlayers.Lacking(connection, cursor.Video, cursor.Audio);
            if (lacking is null)
                await PlayAsync(output, new RtmpParts(output, meter, streamId), cursor, gone);
            // A publisher came back with another codec. What was sent before it stands, and Play.Failed says why nothing follows.
            if ((lacking ?? cursor.NotTaken) is { } track)
            {
                request.RefusedFor = RtmpPlayers.OtherCodec;
                connection.Close(RtmpPlayers.Denied, RtmpPlayers.WordsOf(track));
            }
            if (meter.IsStopped)
                connection.Close("NetStream.Play.Failed", $"Playing was ended: {meter.StoppedFor}.");
        }
        finally
        {
            request.BodyBytes = output.BodySent - before;
            home.End(request);
        }
    }

    private async Task PlayAsync(RtmpOutput output, RtmpParts parts, Cursor cursor, CancellationToken gone)
    {
        Check(await parts.SendAsync(Beginning(cursor), true, true));
        var isSlow = false;
        while (!meter.IsStopped)
        {
            // Both before the look: what comes behind it wakes, and after the end nothing comes.
            var (coming, isOver) = (cursor.Coming, cursor.IsOver);
            if (parts.IsPlain && output.TakePieces(meter, FileKind.Flv) is { } pieces && await PlayPlainAsync(cursor, pieces, gone))
                continue;
            if (isSlow)
                Check(await output.RoomAsync(meter));
            if (TryRead(cursor, isSlow ? Cursor.MostOfSlow : Cursor.MostAtOnce, out var piece, out var audio, out var video))
            {
                try
                {
                    var sending = parts.SendAsync(piece.Bytes, audio, video);
                    isSlow = !sending.IsCompleted;
                    Check(await sending);
                }
                finally
                {
                    piece.Owner.Release();
                }
                continue;
            }
            if (isOver || cursor.NotTaken is not null)
                return;
            await coming.WaitAsync(gone);
        }
    }

    /// <summary>By a shard, for as long as he wants all of it. False: he does not.</summary>
    private async Task<bool> PlayPlainAsync(Cursor cursor, PieceSender pieces, CancellationToken gone)
    {
        using var plain = CancellationTokenSource.CreateLinkedTokenSource(gone);
        lock (_gate)
        {
            if (!WantsAll)
                return false;
            _plain = plain;
            if (_wantsKey)
                cursor.GoToKey();
            _wantsKey = false;
        }
        await home.Shards.PlayAsync(cursor, pieces, plain.Token);
        lock (_gate)
            _plain = null;
        gone.ThrowIfCancellationRequested();
        Check(pieces.End == SendEnd.Done);
        // Of a stream that is over there is nothing left to read, and whoever finds that out ends.
        return !cursor.IsOver;
    }

    private void Check(bool taken)
    {
        if (!taken && !meter.IsStopped)
            throw new IOException("the player has gone");
    }

    private static ReadOnlyMemory<byte> Beginning(Cursor cursor)
    {
        var written = new ArrayBufferWriter<byte>(1024);
        RtmpMedia.WriteMetadata(written, cursor.Video, cursor.Audio);
        foreach (var track in (ReadOnlySpan<Track?>)[cursor.Video, cursor.Audio])
        {
            if (track is not null)
                RtmpMedia.WriteConfiguration(written, track, cursor.From);
        }
        return written.WrittenMemory;
    }
}
