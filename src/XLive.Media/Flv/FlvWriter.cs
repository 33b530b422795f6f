using System.Buffers;
using System.Buffers.Binary;

namespace XLive.Media.Flv;

/// <summary>An FLV stream as it is sent: the header, what the tracks are, and a tag for each frame (FLV 10.1, annex E).</summary>
public static class FlvWriter
{
    /// <summary>The file's header and the size of the tag before the first.</summary>
    public const int HeaderLength = 13;

    /// <summary>A tag is so much longer than its body.</summary>
    public const int TagOverhead = 15;

    public static void WriteHeader(IBufferWriter<byte> output, bool hasVideo, bool hasAudio)
    {
        var place = output.GetSpan(HeaderLength)[..HeaderLength];
        place.Clear();
        "FLV\u0001"u8.CopyTo(place);
        place[4] = (byte)((hasVideo ? 1 : 0) | (hasAudio ? 4 : 0));
        place[8] = 9;
        output.Advance(HeaderLength);
    }

    /// <param name="timestamp">Milliseconds, modulo 2^32.</param>
    public static void WriteTag(IBufferWriter<byte> output, FlvTagType type, uint timestamp, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body)
    {
        int length = head.Length + body.Length;
        var place = output.GetSpan(11);
        place[0] = (byte)type;
        FlvBody.UInt24(place[1..], length);
        FlvBody.UInt24(place[4..], (int)timestamp);
        place[7] = (byte)(timestamp >> 24);
        place[8..11].Clear();
        output.Advance(11);
        output.Write(head);
        output.Write(body);
        BinaryPrimitives.WriteInt32BigEndian(output.GetSpan(4), 11 + length);
        output.Advance(4);
    }

    public static void WriteFrame(IBufferWriter<byte> output, in Frame frame)
    {
        Span<byte> head = stackalloc byte[FlvBody.LongestHead];
        int length = FlvBody.Head(frame, head);
        WriteTag(output, TypeOf(frame.Track), (uint)frame.Decoded.Milliseconds, head[..length], frame.Payload.Span);
    }

    /// <summary>Nothing for codecs that have none.</summary>
    public static void WriteConfiguration(IBufferWriter<byte> output, Track track, uint timestamp)
    {
        Span<byte> head = stackalloc byte[FlvBody.LongestHead];
        int length = FlvBody.ConfigurationHead(track, head);
        if (length > 0)
            WriteTag(output, TypeOf(track), timestamp, head[..length], track.Configuration.Span);
    }

    public static FlvTagType TypeOf(Track track) => track.IsVideo ? FlvTagType.Video : FlvTagType.Audio;
}
