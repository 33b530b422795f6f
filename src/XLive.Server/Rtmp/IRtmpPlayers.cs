using XLive.Media.Rtmp;

namespace XLive.Server.Rtmp;

/// <summary>Who decides about players, and feeds them. A playback's.</summary>
internal interface IRtmpPlayers
{
    /// <summary>Asked once a play. Meanwhile nothing of the peer is read.</summary>
    ValueTask<RtmpAdmission<IRtmpPlayer>> AdmitAsync(RtmpConnection connection, RtmpPlay play, CancellationToken gone);
}

internal interface IRtmpPlayer
{
    /// <summary>Sends until the stream ends or the player has gone. Runs beside the connection's reading.</summary>
    /// <param name="streamId">The message stream that all it sends belongs to.</param>
    Task PlayAsync(RtmpOutput output, uint streamId, CancellationToken gone);

    /// <summary>Paused, resumed, audio or video wanted or not; on the connection's thread, while it plays.</summary>
    void Tell(RtmpEventKind what);
}
