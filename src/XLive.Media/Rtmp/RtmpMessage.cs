namespace XLive.Media.Rtmp;

public enum RtmpMessageType : byte
{
    SetChunkSize = 1,
    Abort = 2,
    Acknowledgement = 3,
    UserControl = 4,
    WindowAcknowledgementSize = 5,
    SetPeerBandwidth = 6,
    Audio = 8,
    Video = 9,
    DataAmf3 = 15,
    SharedObjectAmf3 = 16,
    CommandAmf3 = 17,
    Data = 18,
    SharedObject = 19,
    Command = 20,
    Aggregate = 22,
}

/// <summary>A whole message. Its payload stands until the reader that handed it out reads on.</summary>
public readonly struct RtmpMessage(RtmpMessageType type, uint streamId, uint timestamp, ReadOnlyMemory<byte> payload)
{
    public RtmpMessageType Type { get; } = type;

    /// <summary>0: the connection itself.</summary>
    public uint StreamId { get; } = streamId;

    /// <summary>Milliseconds, modulo 2^32.</summary>
    public uint Timestamp { get; } = timestamp;

    public ReadOnlyMemory<byte> Payload { get; } = payload;
}
