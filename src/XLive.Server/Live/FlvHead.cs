using System.Buffers;
using XLive.Media;
using XLive.Media.Codecs;
using XLive.Media.Flv;

namespace XLive.Server.Live;

/// <summary>What stands before the frames of a viewer who is sent FLV, over whatever.</summary>
internal static class FlvHead
{
    public static ReadOnlyMemory<byte> Of(Cursor cursor)
    {
        var written = new ArrayBufferWriter<byte>(1024);
        var from = (uint)cursor.From.Milliseconds;
        FlvWriter.WriteHeader(written, cursor.Video is not null, cursor.Audio is not null);
        var metadata = new ArrayBufferWriter<byte>(512);
        FlvMetadata.Write(metadata, cursor.Video, cursor.Audio);
        // At 0: to FFmpeg one of another time is a subtitle.
        FlvWriter.WriteTag(written, FlvTagType.Script, 0, default, metadata.WrittenSpan);
        if (cursor.Video is { } video)
            FlvWriter.WriteConfiguration(written, video, from);
        if (cursor.Audio is { } audio)
            FlvWriter.WriteConfiguration(written, audio, from);
        return written.WrittenMemory;
    }

    /// <summary>
    /// Who fetches FLV has no word for codecs: he takes what his file began with. There is one of each kind in a file: to FFmpeg another one is a further track that nobody has
    /// chosen, and mpegts.js has a buffer for the first. So where the stream comes to be of another it ends, and who asks again is given a file of that.
    /// </summary>
    public static CodecSet TakenOf(Cursor cursor) => TakenOf(cursor.Video, FourCc.Video).With(TakenOf(cursor.Audio, FourCc.Audio));

    private static CodecSet TakenOf(Track? track, ReadOnlySpan<Codec> any) => track is null ? CodecSet.Of(any) : CodecSet.Of(track.Codec);
}
