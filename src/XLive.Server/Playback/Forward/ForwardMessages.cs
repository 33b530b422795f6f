using System.Buffers;
using XLive.Media;
using XLive.Media.Amf;
using XLive.Media.Flv;
using XLive.Media.Rtmp;

namespace XLive.Server.Playback.Forward;

/// <summary>A stream's FLV tags as the messages of a publisher, with the times that they have. One run of them is sent at once.</summary>
internal sealed class ForwardMessages(uint streamId)
{
    /// <summary>Bytes of tags in one run; a frame that is longer goes alone.</summary>
    public const int Most = 256 << 10;

    private const int TagHead = 11;
    private const int TagTail = 4;

    private readonly ArrayBufferWriter<byte> _written = new();

    public ReadOnlyMemory<byte> Written => _written.WrittenMemory;

    public void Clear() => _written.ResetWrittenCount();

    /// <summary>What an encoder says first.</summary>
    public void Begin(Track? video, Track? audio, uint from)
    {
        var metadata = new ArrayBufferWriter<byte>(512);
        new Amf0Writer(metadata).Text("@setDataFrame");
        FlvMetadata.Write(metadata, video, audio);
        ChunkWriter.Write(_written, ChunkWriter.DataChunks, RtmpMessageType.Data, streamId, 0, metadata.WrittenSpan);
        Span<byte> head = stackalloc byte[FlvBody.LongestHead];
        if (video is not null)
            Write(FlvTagType.Video, from, head[..FlvBody.ConfigurationHead(video, head)], video.Configuration.Span);
        // MP3 has nothing to tell.
        if (audio is not null && FlvBody.ConfigurationHead(audio, head) is > 0 and var length)
            Write(FlvTagType.Audio, from, head[..length], audio.Configuration.Span);
    }

    private static uint TimeOf(ReadOnlySpan<byte> tags) => (uint)((tags[7] << 24) | (tags[4] << 16) | (tags[5] << 8) | tags[6]);

    /// <param name="tags">Whole ones.</param>
    public void Add(ReadOnlySpan<byte> tags)
    {
        while (!tags.IsEmpty)
        {
            var length = (tags[1] << 16) | (tags[2] << 8) | tags[3];
            Write((FlvTagType)tags[0], TimeOf(tags), default, tags.Slice(TagHead, length));
            tags = tags[(TagHead + length + TagTail)..];
        }
    }

    private void Write(FlvTagType type, uint time, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body) =>
        ChunkWriter.Write(_written, type == FlvTagType.Video ? ChunkWriter.VideoChunks : ChunkWriter.AudioChunks,
            type == FlvTagType.Video ? RtmpMessageType.Video : RtmpMessageType.Audio, streamId, time, head, body);
}
