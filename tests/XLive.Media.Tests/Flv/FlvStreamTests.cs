using System.Buffers;
using XLive.Media.Amf;
using XLive.Media.Flv;
using XLive.Media.Tests.Amf;
using XLive.Media.Tests.Rtmp;

namespace XLive.Media.Tests.Flv;

public class FlvStreamTests
{
    [Fact]
    public void What_is_written_is_read_again_in_pieces_of_any_size()
    {
        var (video, audio) = Tracks();
        var output = new ArrayBufferWriter<byte>();
        FlvWriter.WriteHeader(output, hasVideo: true, hasAudio: true);
        var metadata = new ArrayBufferWriter<byte>();
        FlvMetadata.Write(metadata, video, audio);
        FlvWriter.WriteTag(output, FlvTagType.Script, 0, default, metadata.WrittenSpan);
        FlvWriter.WriteConfiguration(output, video, 0);
        FlvWriter.WriteConfiguration(output, audio, 0);
        byte[] units = Bits.Units(4, Bits.Idr);
        var late = Timestamp.FromMilliseconds(0x1_2345_6789); // the tag has 32 bits
        FlvWriter.WriteFrame(output, new Frame(video, late, -180, FrameFlags.Key, units));
        FlvWriter.WriteFrame(output, new Frame(video, late, 90, FrameFlags.Disposable, units));
        FlvWriter.WriteFrame(output, new Frame(audio, late + 89, 0, FrameFlags.Key, new byte[] { 1, 2 }));

        string[] expected =
        [
            "Script@0:" + Convert.ToHexString(metadata.WrittenSpan),
            "Video@0:" + Convert.ToHexString(Bits.Configuration(Bits.Record(Bits.Sps, Bits.Pps))),
            "Audio@0:AF001210",
            $"Video@{0x23456789}:1701FFFFFE{Convert.ToHexString(units)}",
            $"Video@{0x23456789}:3701000001{Convert.ToHexString(units)}",
            $"Audio@{0x23456789}:AF010102",
        ];
        byte[] bytes = output.WrittenSpan.ToArray();
        for (int cut = 0; cut < bytes.Length; cut++)
            Assert.Equal(expected, Read(bytes, cut, bytes.Length));
        Assert.Equal(expected, Read(bytes, 1));

        // Each tag is followed by its size.
        Assert.Equal([0, 0, 0, 11 + 4], bytes[^4..]);
        Assert.Equal("FLV\u0001\u0005\0\0\0\t\0\0\0\0"u8.ToArray(), bytes[..13]);
    }

    [Fact]
    public void Metadata_says_what_the_tracks_are()
    {
        var (video, audio) = Tracks();
        Assert.Equal("[width:64,height:48,framerate:5,videocodecid:7,audiocodecid:10,audiosamplerate:44100,stereo:true]", Print(video, audio));
        Assert.Equal("[audiocodecid:10,audiosamplerate:44100,stereo:true]", Print(null, audio));
        Assert.Equal("[]", Print(null, null));

        static string Print(Track? video, Track? audio)
        {
            var output = new ArrayBufferWriter<byte>();
            FlvMetadata.Write(output, video, audio);
            var reader = new Amf0Reader(output.WrittenSpan);
            Assert.Equal("onMetaData", reader.Read().Text);
            var value = reader.Read();
            Assert.True(reader.AtEnd);
            return Amf0Tests.Print(value);
        }
    }

    [Theory]
    [InlineData(8000, 1, 0xE2)]
    [InlineData(11025, 2, 0x27)]
    [InlineData(22050, 1, 0x2A)]
    [InlineData(44100, 2, 0x2F)]
    [InlineData(48000, 2, 0x2F)]
    public void The_byte_before_MP3(int rate, int channels, byte head)
    {
        var track = new Track { Kind = TrackKind.Audio, Codec = Codec.Mp3, Configuration = default, CodecName = "mp4a.40.34", SampleRate = rate, Channels = channels };
        Span<byte> place = stackalloc byte[FlvBody.LongestHead];
        Assert.Equal(1, FlvBody.Head(new Frame(track, default, 0, FrameFlags.Key, new byte[] { 0xFF }), place));
        Assert.Equal(head, place[0]);
        Assert.Equal(0, FlvBody.ConfigurationHead(track, place));
    }

    [Theory]
    [InlineData("464C5602 05 00000009")] // a version 2
    [InlineData("474554202F20485454")] // GET / HTT
    [InlineData("464C5601 05 00000008")]
    [InlineData("464C5601 05 FFFFFFFF")]
    [InlineData("464C5601 05 00000009 00000000 28 000001 000000 00 000000")] // encrypted
    [InlineData("464C5601 05 00000009 00000000 09 800001 000000 00 000000")] // more than 8 MiB
    public void What_is_no_stream_is_refused(string hex) => Assert.Throws<FlvException>(() => Read(Amf0Tests.Hex(hex)));

    [Fact]
    public void A_header_may_be_longer_and_tags_unknown_or_empty() => Assert.Equal(
        ["3@5:", "Video@16777221:AA"], Read(Amf0Tests.Hex("464C5601 00 0000000B FFFF 00000000 03 000000 000005 00 000000 DEADBEEF 09 000001 000005 01 000000 AA"), 3));

    [Fact]
    public void What_has_not_come_takes_no_memory()
    {
        var reader = new FlvReader();
        byte[] begun = Amf0Tests.Hex("464C5601 05 00000009 00000000 09 7FFFFF 000000 00 000000 AA");
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(reader.Read(begun, out _, out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 400);
    }

    private static (Track Video, Track Audio) Tracks()
    {
        var (video, audio) = (new FlvVideo(), new FlvAudio());
        video.Read(Bits.Configuration(Bits.Record(Bits.Sps, Bits.Pps)), default, out _, out _);
        audio.Read(new byte[] { 0xAF, 0, 0x12, 0x10 }, default, out _, out _);
        return (video.Track!, audio.Track!);
    }

    private static List<string> Read(byte[] input, params int[] pieces)
    {
        var reader = new FlvReader();
        var tags = new List<string>();
        foreach (byte[] piece in Wire.Cut(input, pieces))
        {
            ReadOnlyMemory<byte> rest = piece;
            while (reader.Read(rest, out int consumed, out var tag))
            {
                rest = rest[consumed..];
                tags.Add($"{tag.Type}@{tag.Timestamp}:{Convert.ToHexString(tag.Body.Span)}");
            }
        }
        return tags;
    }
}
