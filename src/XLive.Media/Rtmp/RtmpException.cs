namespace XLive.Media.Rtmp;

/// <summary>What a peer did that ends its connection: the word in the log, and the reason that is counted.</summary>
public enum RtmpFault : byte
{
    NotRtmp,
    ChunkHeader,
    ChunkSize,
    TooManyChunkStreams,
    MessageTooLong,
    TooMuchHeld,
    ControlMessage,
    Aggregate,
    Command,
    TooMuchBeforePublish,
}

/// <summary>The only exception of what reads a peer's bytes.</summary>
public sealed class RtmpException(RtmpFault fault, string message, Exception? inner = null) : FormatException(message, inner)
{
    public RtmpFault Fault => fault;
}
