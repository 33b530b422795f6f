using XLive.Media.Codecs;

namespace XLive.Media.Fmp4;

/// <summary>What stsd says of a track: the codec, and its configuration as MP4 has it.</summary>
internal static class SampleEntry
{
    /// <summary>VisualSampleEntry (14496-12 12.1.3) with avcC (14496-15 5.4.2), hvcC (8.4.1), av1C (AV1-ISOBMFF 2.3) or vpcC (VP Codec ISO Media File Format Binding).</summary>
    public static void WriteVideo(ref BoxWriter boxes, Track track, in SequenceParameters picture)
    {
        var entry = Open(ref boxes, track.Codec);
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
        var configuration = boxes.Open(track.Codec switch
        {
            Codec.Hevc => "hvcC"u8,
            Codec.Av1 => "av1C"u8,
            Codec.Vp9 => "vpcC"u8,
            _ => "avcC"u8,
        });
        var at = boxes.Length;
        boxes.Bytes(track.Configuration.Span);
        if (track.Codec == Codec.H264)
        {
            // The reserved bits are ones, which not every encoder knows.
            boxes.Written[at + 4] |= 0xFC;
            boxes.Written[at + 5] |= 0xE0;
        }
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

    /// <summary>AudioSampleEntry (14496-12 12.2.3).</summary>
    public static void WriteAudio(ref BoxWriter boxes, Track track, int sampleRate)
    {
        var configuration = track.Configuration.Span;
        var entry = Open(ref boxes, track.Codec);
        boxes.Zeros(8);
        boxes.UInt16(track.Channels);
        boxes.UInt16(track.Codec == Codec.Flac ? FlacConfiguration.BitsOf(configuration) : 16);
        boxes.UInt32(0);
        boxes.UInt16(Rate(track.Codec, sampleRate));
        boxes.UInt16(0);
        switch (track.Codec)
        {
            case Codec.Opus:
                var head = boxes.Open("dOps"u8);
                Span<byte> body = stackalloc byte[OpusConfiguration.BoxLength(configuration)];
                OpusConfiguration.WriteBox(configuration, body);
                boxes.Bytes(body);
                boxes.Close(head);
                break;
            case Codec.Flac:
                var blocks = boxes.Open("dfLa"u8, 0);
                boxes.Bytes(configuration[FlacConfiguration.Signature..]);
                boxes.Close(blocks);
                break;
            case Codec.Ac3 or Codec.Eac3:
                var box = boxes.Open(track.Codec == Codec.Ac3 ? "dac3"u8 : "dec3"u8);
                boxes.Bytes(configuration);
                boxes.Close(box);
                break;
            default:
                WriteElementaryStream(ref boxes, configuration);
                break;
        }
        boxes.Close(entry);
    }

    /// <summary>There are 16 bits for it. What does not fit the configuration tells; FLAC says the half or the quarter that does (FLAC in ISOBMFF 3.3.1).</summary>
    private static int Rate(Codec codec, int sampleRate)
    {
        if (sampleRate <= ushort.MaxValue)
            return sampleRate;
        if (codec != Codec.Flac)
            return 0;
        while (sampleRate > ushort.MaxValue)
            sampleRate /= 2;
        return sampleRate;
    }

    /// <summary>esds with the ES descriptor of 14496-14 3.1.</summary>
    private static void WriteElementaryStream(ref BoxWriter boxes, ReadOnlySpan<byte> configuration)
    {
        var stream = boxes.Open("esds"u8, 0);
        WriteDescriptor(ref boxes, 3, 3 + 5 + 13 + 5 + configuration.Length + 5 + 1); // ES_Descriptor
        boxes.UInt16(0);
        boxes.Byte(0);
        WriteDescriptor(ref boxes, 4, 13 + 5 + configuration.Length); // DecoderConfigDescriptor
        boxes.Byte(0x40); // 14496-3
        boxes.Byte(0x15); // an audio stream
        boxes.Zeros(3 + 4 + 4); // the buffer's size and bit rates: not known
        WriteDescriptor(ref boxes, 5, configuration.Length); // DecoderSpecificInfo
        boxes.Bytes(configuration);
        WriteDescriptor(ref boxes, 6, 1); // SLConfigDescriptor
        boxes.Byte(2); // as in an MP4 file
        boxes.Close(stream);
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

    private static int Open(ref BoxWriter boxes, Codec codec)
    {
        var entry = boxes.Open(FourCc.Of(codec));
        boxes.Zeros(6);
        boxes.UInt16(1); // data_reference_index
        return entry;
    }
}
