namespace XLive.Media.Rtmp;

/// <summary>What one peer may ask for. Memory is never taken on the word of a header: it grows with the bytes that have come.</summary>
internal static class RtmpLimits
{
    /// <summary>A keyframe of 4K at 100 Mbit/s is 2 MiB. The format itself allows 16 MiB - 1.</summary>
    public const int MediaMessage = 8 << 20;

    /// <summary>A connect with all that Flash puts into it is 1 KiB, an onMetaData with encoder settings 4.</summary>
    public const int OtherMessage = 64 << 10;

    /// <summary>All messages that have begun on one connection together.</summary>
    public const int Held = 16 << 20;

    /// <summary>The same of who may not send media: players, and whoever has not said yet what it is.</summary>
    public const int HeldOfOthers = 256 << 10;

    /// <summary>librtmp uses 6 chunk streams, Flash 8.</summary>
    public const int ChunkStreams = 64;

    public const int MessageStreams = 8;
    public const int AggregateParts = 1000;

    /// <summary>Commands and what an impatient encoder sends before it hears that it may.</summary>
    public const int BeforePublish = 256 << 10;

    public static int Of(RtmpMessageType type) =>
        type is RtmpMessageType.Audio or RtmpMessageType.Video or RtmpMessageType.Aggregate ? MediaMessage : OtherMessage;
}
