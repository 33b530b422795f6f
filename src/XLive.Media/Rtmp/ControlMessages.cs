using System.Buffers;
using System.Buffers.Binary;

namespace XLive.Media.Rtmp;

/// <summary>Events of a User Control message (7.1.7).</summary>
internal enum UserControl : ushort
{
    StreamBegin = 0,
    StreamEnd = 1,
    StreamDry = 2,
    SetBufferLength = 3,
    StreamIsRecorded = 4,
    PingRequest = 6,
    PingResponse = 7,
}

/// <summary>Protocol control and user control as they are sent: chunk stream 2, message stream 0, timestamp 0 (5.4).</summary>
internal static class ControlMessages
{
    public static void SetChunkSize(IBufferWriter<byte> output, int size) => Write(output, RtmpMessageType.SetChunkSize, (uint)size);

    public static void Acknowledgement(IBufferWriter<byte> output, uint sequence) => Write(output, RtmpMessageType.Acknowledgement, sequence);

    public static void WindowAcknowledgementSize(IBufferWriter<byte> output, uint size) =>
        Write(output, RtmpMessageType.WindowAcknowledgementSize, size);

    public static void SetPeerBandwidth(IBufferWriter<byte> output, uint size)
    {
        const byte dynamic = 2; // hard if the last was hard, else none of the peer's business (5.4.5)
        Span<byte> body = stackalloc byte[5];
        BinaryPrimitives.WriteUInt32BigEndian(body, size);
        body[4] = dynamic;
        ChunkWriter.Write(output, ChunkWriter.ControlChunks, RtmpMessageType.SetPeerBandwidth, 0, 0, body);
    }

    public static void User(IBufferWriter<byte> output, UserControl what, uint value)
    {
        Span<byte> body = stackalloc byte[6];
        BinaryPrimitives.WriteUInt16BigEndian(body, (ushort)what);
        BinaryPrimitives.WriteUInt32BigEndian(body[2..], value);
        ChunkWriter.Write(output, ChunkWriter.ControlChunks, RtmpMessageType.UserControl, 0, 0, body);
    }

    private static void Write(IBufferWriter<byte> output, RtmpMessageType type, uint value)
    {
        Span<byte> body = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(body, value);
        ChunkWriter.Write(output, ChunkWriter.ControlChunks, type, 0, 0, body);
    }
}
