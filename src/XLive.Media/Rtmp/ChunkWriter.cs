using System.Buffers;
using System.Buffers.Binary;

namespace XLive.Media.Rtmp;

/// <summary>
/// Messages as chunks. Each begins with a whole header: it hangs on nothing that was sent before, so one run of chunks is the same bytes for all who play.
/// An extended timestamp is repeated in each chunk (5.3.1.3): FFmpeg closes the connection where it is missing, GStreamer logs without end.
/// </summary>
public static class ChunkWriter
{
    // Their numbers are the habit of every server (and 2 the specification's, 5.4).
    public const int ControlChunks = 2;
    public const int CommandChunks = 3;
    public const int AudioChunks = 4;
    public const int DataChunks = 5;
    public const int VideoChunks = 6;

    /// <summary>What we tell each peer that ours are: but for keyframes a frame is one chunk. FFmpeg takes 60000.</summary>
    public const int ChunkSize = 65536;

    public const int LongestHeader = 12 + 4;

    private const uint Extended = 0xFFFFFF;

    /// <param name="chunks">2 to 63: a chunk stream whose id is one byte.</param>
    /// <param name="head">Goes before the body: what FLV puts before a frame.</param>
    public static void Write(IBufferWriter<byte> output, int chunks, RtmpMessageType type, uint streamId, uint timestamp, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body, int chunkSize = ChunkSize)
    {
        WriteHeader(output, chunks, type, streamId, timestamp, head.Length + body.Length);
        int room = chunkSize;
        foreach (int part in (ReadOnlySpan<int>)[0, 1])
        {
            var rest = part == 0 ? head : body;
            while (!rest.IsEmpty)
            {
                if (room == 0)
                {
                    WriteContinuation(output, chunks, timestamp);
                    room = chunkSize;
                }
                int length = Math.Min(room, rest.Length);
                output.Write(rest[..length]);
                rest = rest[length..];
                room -= length;
            }
        }
    }

    public static void Write(IBufferWriter<byte> output, int chunks, RtmpMessageType type, uint streamId, uint timestamp, ReadOnlySpan<byte> body, int chunkSize = ChunkSize) =>
        Write(output, chunks, type, streamId, timestamp, default, body, chunkSize);

    /// <summary>How many bytes <see cref="Write(IBufferWriter{byte}, int, RtmpMessageType, uint, uint, ReadOnlySpan{byte}, ReadOnlySpan{byte}, int)"/> makes of so long a message.</summary>
    public static int Length(int messageLength, uint timestamp, int chunkSize = ChunkSize)
    {
        int extended = timestamp >= Extended ? 4 : 0;
        int continuations = messageLength == 0 ? 0 : (messageLength - 1) / chunkSize;
        return 12 + extended + messageLength + (continuations * (1 + extended));
    }

    private static void WriteHeader(IBufferWriter<byte> output, int chunks, RtmpMessageType type, uint streamId, uint timestamp, int length)
    {
        var place = output.GetSpan(LongestHeader);
        place[0] = (byte)chunks;
        UInt24(place[1..], Math.Min(timestamp, Extended));
        UInt24(place[4..], (uint)length);
        place[7] = (byte)type;
        BinaryPrimitives.WriteUInt32LittleEndian(place[8..], streamId);
        if (timestamp >= Extended)
            BinaryPrimitives.WriteUInt32BigEndian(place[12..], timestamp);
        output.Advance(timestamp >= Extended ? 16 : 12);
    }

    private static void WriteContinuation(IBufferWriter<byte> output, int chunks, uint timestamp)
    {
        var place = output.GetSpan(5);
        place[0] = (byte)(0xC0 | chunks);
        if (timestamp >= Extended)
            BinaryPrimitives.WriteUInt32BigEndian(place[1..], timestamp);
        output.Advance(timestamp >= Extended ? 5 : 1);
    }

    private static void UInt24(Span<byte> place, uint value)
    {
        place[0] = (byte)(value >> 16);
        place[1] = (byte)(value >> 8);
        place[2] = (byte)value;
    }
}
