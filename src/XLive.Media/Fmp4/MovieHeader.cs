using XLive.Media.Codecs;

namespace XLive.Media.Fmp4;

/// <summary>ftyp and moov of one track whose samples are all in fragments: durations of 0, empty tables, and an mvex behind the trak (14496-12 8.8.1).</summary>
internal static class MovieHeader
{
    // All but the configuration is some 600 bytes.
    private const int Room = 1024;

    private static ReadOnlySpan<uint> Matrix => [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

    /// <param name="timeScale">Of audio, its sampling rate.</param>
    public static byte[] Of(Track track, int timeScale, in SequenceParameters picture)
    {
        var boxes = new BoxWriter(new byte[Room + track.Configuration.Length]);
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
        WriteTrack(ref boxes, track, timeScale, picture);
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

    private static void WriteTrack(ref BoxWriter boxes, Track track, int timeScale, in SequenceParameters picture)
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
            SampleEntry.WriteVideo(ref boxes, track, picture);
        else
            SampleEntry.WriteAudio(ref boxes, track, timeScale);
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
