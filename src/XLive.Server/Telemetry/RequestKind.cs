namespace XLive.Server.Telemetry;

/// <summary>What was asked for, as far as it decides how long an answer may well take.</summary>
public enum RequestKind
{
    /// <summary>Segments, files, pages: as long as the viewer takes to receive them.</summary>
    Media,

    /// <summary>A live one may wait for what it is asked for (_HLS_msn).</summary>
    Playlist,

    /// <summary>FLV, a WebSocket, RTMP's play: as long as somebody watches.</summary>
    Stream,

    Api,

    /// <summary>What was no request that could be understood.</summary>
    Other,
}
