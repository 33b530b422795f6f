using XLive.Media.Codecs;

namespace XLive.Media.Fmp4;

/// <summary>ftyp and moov of one track whose samples are all in fragments: durations of 0, empty tables, and an mvex behind the trak (14496-12 8.8.1).</summary>
internal static class MovieHeader
{
    // All but the configuration is some 600 bytes.
    private const int Room = 1024;

    private static ReadOnlySpan<uint> Matrix => [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

    public static byte[] OfVideo(Track track, in SequenceParameters picture)
    {
        var boxes = new BoxWriter(new byte[Room + track.Configuration.Length]);
        return Write(ref boxes, track, Timestamp.PerSecond, 0, picture);
    }

    public static byte[] OfAac(Track track, int sampleRate)
    {
        var boxes = new BoxWriter(new byte[Room + track.Configuration.Length]);
        return Write(ref boxes, track, sampleRate, sampleRate, default);
    }

    private static byte[] Write(ref BoxWriter boxes, Track track, int timeScale, int sampleRate, in SequenceParameters picture)
    {
        var file = boxes.Open("ftyp"u8);
        boxes.Bytes("cmfc"u8);
        boxes.UInt32(0);
        // default-base-is-moof wants iso5, signed composition offsets iso6.
        boxes.Bytes("iso6cmfcmp41"u8);
        boxes.Close(file);

        var movie = boxes.Open("moov"u8);
        var header = boxes.Open("mvhd"u8, 0);
        boxes.Zeros(8);
        boxes.Int32(timeScale);
        boxes.UInt32(0);
        boxes.UInt32(0x10000); // rate
        boxes.UInt16(0x100); // volume
        boxes.Zeros(10);
        WriteMatrix(ref boxes);
        boxes.Zeros(24);
        boxes.UInt32(Initialization.TrackId + 1);
        boxes.Close(header);
        WriteTrack(ref boxes, track, timeScale, sampleRate, picture);
        var extends = boxes.Open("mvex"u8);
        var defaults = boxes.Open("trex"u8, 0);
        boxes.UInt32(Initialization.TrackId);
        boxes.UInt32(1); // default_sample_description_index
        boxes.Zeros(12);
        boxes.Close(defaults);
        boxes.Close(extends);
        boxes.Close(movie);
        return boxes.Written.ToArray();
    }

    private static void WriteTrack(ref BoxWriter boxes, Track track, int timeScale, int sampleRate, in SequenceParameters picture)
    {
        var trak = boxes.Open("trak"u8);
        var header = boxes.Open("tkhd"u8, 0, flags: 7); // enabled, in the movie, in its preview
        boxes.Zeros(8);
        boxes.UInt32(Initialization.TrackId);
        boxes.Zeros(16);
        boxes.UInt16(0);
        boxes.UInt16(0);
        boxes.UInt16(track.IsVideo ? 0 : 0x100); // volume
        boxes.UInt16(0);
        WriteMatrix(ref boxes);
        boxes.Int32(track.IsVideo ? picture.ShownWidth << 16 : 0);
        boxes.Int32(track.IsVideo ? picture.ShownHeight << 16 : 0);
        boxes.Close(header);

        var media = boxes.Open("mdia"u8);
        header = boxes.Open("mdhd"u8, 0);
        boxes.Zeros(8);
        boxes.Int32(timeScale);
        boxes.UInt32(0);
        boxes.UInt16(0x55C4); // "und"
        boxes.UInt16(0);
        boxes.Close(header);
        header = boxes.Open("hdlr"u8, 0);
        boxes.UInt32(0);
        boxes.Bytes(track.IsVideo ? "vide"u8 : "soun"u8);
        boxes.Zeros(12);
        boxes.Bytes(track.IsVideo ? "video\0"u8 : "audio\0"u8);
        boxes.Close(header);

        var information = boxes.Open("minf"u8);
        header = track.IsVideo ? boxes.Open("vmhd"u8, 0, flags: 1) : boxes.Open("smhd"u8, 0);
        boxes.Zeros(track.IsVideo ? 8 : 4);
        boxes.Close(header);
        var data = boxes.Open("dinf"u8);
        var references = boxes.Open("dref"u8, 0);
        boxes.UInt32(1);
        boxes.Close(boxes.Open("url "u8, 0, flags: 1)); // in this file
        boxes.Close(references);
        boxes.Close(data);
        var table = boxes.Open("stbl"u8);
        var descriptions = boxes.Open("stsd"u8, 0);
        boxes.UInt32(1);
        if (track.IsVideo)
            WriteAvc(ref boxes, track, picture);
        else
            WriteAac(ref boxes, track, sampleRate);
        boxes.Close(descriptions);
        WriteEmpty(ref boxes, "stts"u8, 4);
        WriteEmpty(ref boxes, "stsc"u8, 4);
        WriteEmpty(ref boxes, "stsz"u8, 8);
        WriteEmpty(ref boxes, "stco"u8, 4);
        boxes.Close(table);
        boxes.Close(information);
        boxes.Close(media);
        boxes.Close(trak);
    }

    /// <summary>VisualSampleEntry (14496-12 12.1.3) with the AVCConfigurationBox of 14496-15 5.4.2.</summary>
    private static void WriteAvc(ref BoxWriter boxes, Track track, in SequenceParameters picture)
    {
        var entry = boxes.Open("avc1"u8);
        boxes.Zeros(6);
        boxes.UInt16(1); // data_reference_index
        boxes.Zeros(16);
        boxes.UInt16(picture.Width);
        boxes.UInt16(picture.Height);
        boxes.UInt32(0x480000); // 72 dpi
        boxes.UInt32(0x480000);
        boxes.UInt32(0);
        boxes.UInt16(1); // frame_count
        boxes.Zeros(32);
        boxes.UInt16(24); // depth
        boxes.UInt16(0xFFFF);
        var configuration = boxes.Open("avcC"u8);
        var at = boxes.Length;
        boxes.Bytes(track.Configuration.Span);
        // The reserved bits are ones, which not every encoder knows.
        boxes.Written[at + 4] |= 0xFC;
        boxes.Written[at + 5] |= 0xE0;
        boxes.Close(configuration);
        if (picture.ShownWidth != picture.Width)
        {
            var ratio = boxes.Open("pasp"u8);
            boxes.UInt32(picture.AspectAcross);
            boxes.UInt32(picture.AspectDown);
            boxes.Close(ratio);
        }
        boxes.Close(entry);
    }

    /// <summary>AudioSampleEntry (14496-12 12.2.3) with the ES descriptor of 14496-14 3.1.</summary>
    private static void WriteAac(ref BoxWriter boxes, Track track, int sampleRate)
    {
        var entry = boxes.Open("mp4a"u8);
        boxes.Zeros(6);
        boxes.UInt16(1); // data_reference_index
        boxes.Zeros(8);
        boxes.UInt16(track.Channels);
        boxes.UInt16(16);
        boxes.UInt32(0);
        // 16 bits for it; 88.2 and 96 kHz do not fit, and the configuration tells them.
        boxes.UInt16(sampleRate <= ushort.MaxValue ? sampleRate : 0);
        boxes.UInt16(0);
        var stream = boxes.Open("esds"u8, 0);
        var length = track.Configuration.Length;
        WriteDescriptor(ref boxes, 3, 3 + 5 + 13 + 5 + length + 5 + 1); // ES_Descriptor
        boxes.UInt16(0);
        boxes.Byte(0);
        WriteDescriptor(ref boxes, 4, 13 + 5 + length); // DecoderConfigDescriptor
        boxes.Byte(0x40); // 14496-3
        boxes.Byte(0x15); // an audio stream
        boxes.Zeros(3 + 4 + 4); // the buffer's size and bit rates: not known
        WriteDescriptor(ref boxes, 5, length); // DecoderSpecificInfo
        boxes.Bytes(track.Configuration.Span);
        WriteDescriptor(ref boxes, 6, 1); // SLConfigDescriptor
        boxes.Byte(2); // as in an MP4 file
        boxes.Close(stream);
        boxes.Close(entry);
    }

    /// <summary>14496-1 8.3.3, its size always in 4 bytes.</summary>
    private static void WriteDescriptor(ref BoxWriter boxes, byte tag, int length)
    {
        boxes.Byte(tag);
        boxes.Byte((byte)(0x80 | (length >> 21)));
        boxes.Byte((byte)(0x80 | (length >> 14)));
        boxes.Byte((byte)(0x80 | (length >> 7)));
        boxes.Byte((byte)(length & 0x7F));
    }

    private static void WriteEmpty(ref BoxWriter boxes, ReadOnlySpan<byte> type, int zeros)
    {
        var table = boxes.Open(type, 0);
        boxes.Zeros(zeros);
        boxes.Close(table);
    }

    private static void WriteMatrix(ref BoxWriter boxes)
    {
        foreach (var value in Matrix)
            boxes.UInt32(value);
    }
}
