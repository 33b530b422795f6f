using System.Buffers;
using System.Buffers.Binary;
using XLive.Media.Flv;

namespace XLive.Media.Rtmp;

/// <summary>
/// A stream as players are sent it: each message a run of chunks that begins with a whole header and an absolute time, all of one size and on one message
/// stream, so that the same bytes do for every player, wherever he begins.
/// </summary>
public static class RtmpMedia
{
    /// <summary>What nearly every client has: the first that createStream gives. nginx-rtmp sends on no other.</summary>
    public const uint StreamId = 1;

    private const int ShortHeader = 12;
    private const int StreamIdAt = 8;
    private const uint Extended = 0xFFFFFF;

    /// <summary>More than a frame or a configuration of so many bytes ever takes.</summary>
    public static int LongestOf(int length) => ChunkWriter.Length(FlvBody.LongestHead + length, Extended);

    public static void WriteFrame(IBufferWriter<byte> output, in Frame frame)
    {
        Span<byte> head = stackalloc byte[FlvBody.LongestHead];
        int length = FlvBody.Head(frame, head);
        Write(output, frame.Track, frame.Decoded, head[..length], frame.Payload.Span);
    }

    /// <summary>Nothing for codecs that have none.</summary>
    public static void WriteConfiguration(IBufferWriter<byte> output, Track track, Timestamp time)
    {
        Span<byte> head = stackalloc byte[FlvBody.LongestHead];
        int length = FlvBody.ConfigurationHead(track, head);
        if (length > 0)
            Write(output, track, time, head[..length], track.Configuration.Span);
    }

    /// <summary>onMetaData, at 0: to FFmpeg one of another time is a subtitle.</summary>
    public static void WriteMetadata(IBufferWriter<byte> output, Track? video, Track? audio)
    {
        var body = new ArrayBufferWriter<byte>(512);
        FlvMetadata.Write(body, video, audio);
        ChunkWriter.Write(output, ChunkWriter.DataChunks, RtmpMessageType.Data, StreamId, 0, body.WrittenSpan);
    }

    private static void Write(IBufferWriter<byte> output, Track track, Timestamp time, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body)
    {
        var (chunks, type) = track.IsVideo ? (ChunkWriter.VideoChunks, RtmpMessageType.Video) : (ChunkWriter.AudioChunks, RtmpMessageType.Audio);
        ChunkWriter.Write(output, chunks, type, StreamId, (uint)time.Milliseconds, head, body);
    }

    /// <summary>The first message of what was written here.</summary>
    public static RtmpMediaMessage First(ReadOnlySpan<byte> written)
    {
        uint timestamp = UInt24(written[1..]);
        int header = timestamp == Extended ? ShortHeader + 4 : ShortHeader;
        int length = ChunkWriter.Length((int)UInt24(written[4..]), timestamp);
        var type = (RtmpMessageType)written[7];
        if (length == header)
            return new RtmpMediaMessage(type, length, false, false);
        bool isVideo = type == RtmpMessageType.Video;
        bool isConfiguration = FlvBody.IsConfiguration(written[header..], isVideo);
        return new RtmpMediaMessage(type, length, isConfiguration, isVideo && FlvBody.IsKey(written[header]) && !isConfiguration);
    }

    /// <summary>Where a message's header ends that can be sent on another message stream.</summary>
    public const int HeaderLength = ShortHeader;

    /// <summary>The header of the first message, for another message stream.</summary>
    public static void CopyHeader(ReadOnlySpan<byte> written, uint streamId, Span<byte> place)
    {
        written[..ShortHeader].CopyTo(place);
        BinaryPrimitives.WriteUInt32LittleEndian(place[StreamIdAt..], streamId);
    }

    private static uint UInt24(ReadOnlySpan<byte> bytes) => (uint)((bytes[0] << 16) | (bytes[1] << 8) | bytes[2]);
}

/// <param name="Length">In chunks, with their headers.</param>
public readonly record struct RtmpMediaMessage(RtmpMessageType Type, int Length, bool IsConfiguration, bool IsKey);
