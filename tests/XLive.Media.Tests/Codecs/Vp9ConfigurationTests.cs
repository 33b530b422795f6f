using System.Globalization;
using XLive.Media.Codecs;
using XLive.Media.Flv;

namespace XLive.Media.Tests.Codecs;

public class Vp9ConfigurationTests
{
    // FFmpeg 8.1 with libvpx, 96x64, by enhanced RTMP; and how its keyframe begins.
    private const string Record = "01000000000a820202020000", Key = "824983420005f003f6";

    private static readonly Vp9Header Small = new(true, 0, 8, 1, false, 96, 64);

    [Fact]
    public void Record_and_keyframe_of_an_encoder()
    {
        Assert.True(Vp9Configuration.TryRead(Convert.FromHexString(Record), out var body, out var fault), fault);
        Assert.Equal(Record, Convert.ToHexStringLower(body));
        // The record without the box's version, and with what is no part of VP9 behind it.
        Assert.True(Vp9Configuration.TryRead(Convert.FromHexString(Record[8..^4] + "0002aabb"), out body, out fault), fault);
        Assert.Equal(Record, Convert.ToHexStringLower(body));
        Assert.True(Vp9Header.TryRead(Convert.FromHexString(Key), out var header, out fault), fault);
        Assert.Equal(Small, header);
        for (var length = 0; length < 9; length++)
            Assert.False(Vp9Header.TryRead(Convert.FromHexString(Key).AsSpan(0, length), out _, out _));
        for (var length = 0; length < 12; length++)
            Assert.False(Vp9Configuration.TryRead(Convert.FromHexString(Record).AsSpan(0, length), out _, out _));
    }

    [Theory]
    [InlineData("", "cut short")]
    [InlineData("01000000000a8202020200", "cut short")]
    [InlineData("01000000040a820202020000", "profile 4")]
    [InlineData("01000000000a920202020000", "9 bits")]
    [InlineData("010000000000020202020000", "0 bits")]
    public void What_is_wrong_with_a_record_is_named(string hex, string words)
    {
        Assert.False(Vp9Configuration.TryRead(Convert.FromHexString(hex), out _, out var fault));
        Assert.Contains(words, fault, StringComparison.Ordinal);
    }

    // Bits as 6.2 of the bitstream specification has them, with a width of 640 and a height of 360.
    private const string Size = "0000001001111111" + "0000000101100111";

    [Theory]
    [InlineData("10" + "00" + "0010" + Sync + "0100" + Size, 0, 8, 1, false)]
    [InlineData("10" + "00" + "0010" + Sync + "0101" + Size, 0, 8, 1, true)] // full range
    [InlineData("10" + "10" + "0010" + Sync + "0100" + "100" + Size, 1, 8, 2, false)] // 4:2:2
    [InlineData("10" + "10" + "0010" + Sync + "0100" + "000" + Size, 1, 8, 3, false)] // 4:4:4
    [InlineData("10" + "10" + "0010" + Sync + "111" + "0" + Size, 1, 8, 3, true)] // RGB
    [InlineData("10" + "01" + "0010" + Sync + "0" + "0100" + Size, 2, 10, 1, false)]
    [InlineData("10" + "01" + "0010" + Sync + "1" + "0100" + Size, 2, 12, 1, false)]
    [InlineData("10" + "11" + "0" + "0010" + Sync + "0" + "0100" + "100" + Size, 3, 10, 2, false)]
    public void A_keyframe(string bits, int profile, int depth, int chroma, bool isFull)
    {
        Assert.True(Vp9Header.TryRead(Bytes(bits), out var header, out var fault), fault);
        Assert.Equal(new Vp9Header(true, profile, depth, chroma, isFull, 640, 360), header);
    }

    [Theory]
    [InlineData("10" + "00" + "0110")] // refers to others
    [InlineData("10" + "00" + "1010")] // shows one again
    public void Another_frame(string bits)
    {
        Assert.True(Vp9Header.TryRead(Bytes(bits), out var header, out var fault), fault);
        Assert.False(header.IsKey);
    }

    [Theory]
    [InlineData("01" + "00" + "0010" + Sync + "0100" + Size, "frame marker")]
    [InlineData("10" + "11" + "1" + "0010" + Sync + "0" + "0100" + "100" + Size, "a profile that does not exist")]
    [InlineData("10" + "00" + "0010" + "010010011000001101000011" + "0100" + Size, "no sync code")]
    [InlineData("10" + "00" + "0010" + Sync + "111" + "0" + Size, "colours")] // RGB of profile 0
    [InlineData("10" + "10" + "0010" + Sync + "0100" + "110" + Size, "colours")] // 4:2:0 of profile 1
    [InlineData("10" + "10" + "0010" + Sync + "0100" + "010" + Size, "colours")] // 4:4:0
    [InlineData("10" + "10" + "0010" + Sync + "0100" + "101" + Size, "colours")] // a reserved bit
    [InlineData("10" + "00" + "0010" + Sync + "0100" + "0100000000000000" + "0000000000000000", "larger than level 6.2")] // 16,385 across
    [InlineData("10" + "00" + "0010" + Sync + "0100" + "0011111111111111" + "0000100010000000", "larger than level 6.2")] // 16,384 x 2,177
    public void What_is_wrong_with_a_frame_is_named(string bits, string words)
    {
        Assert.False(Vp9Header.TryRead(Bytes(bits), out _, out var fault));
        Assert.Contains(words, fault, StringComparison.Ordinal);
    }

    private const string Sync = "010010011000001101000010";

    private static byte[] Bytes(string bits) =>
        [.. bits.Chunk(8).Select(static b => Convert.ToByte(new string(b).PadRight(8, '0'), 2))];

    [Theory]
    [InlineData(10, 96, 64, 10)]
    [InlineData(31, 96, 64, 31)] // more than it needs, perhaps for its rate
    [InlineData(10, 640, 360, 21)] // less: pictures have grown
    [InlineData(0, 1920, 1080, 40)] // not told
    [InlineData(255, 1920, 1080, 40)]
    [InlineData(41, 1920, 1080, 41)]
    [InlineData(0, 3840, 2160, 50)]
    [InlineData(0, 16_384, 2_176, 60)]
    public void Level(int told, int width, int height, int level)
    {
        var body = Convert.FromHexString(Record);
        body[5] = (byte)told;
        var track = Vp9Configuration.TrackOf(body, Small with { Width = width, Height = height });
        Assert.Equal((string.Create(CultureInfo.InvariantCulture, $"vp09.00.{level}.08"), width, height), (track.CodecName, track.Width, track.Height));
        Assert.Equal(level, track.Configuration.Span[5]);
    }

    [Theory]
    [InlineData("000a82020202", 0, 8, 1, false, "vp09.00.10.08", "820202")]
    [InlineData("000a80010101", 0, 8, 1, false, "vp09.00.10.08", "800101")] // the colours' samples lie elsewhere
    [InlineData("000a86020202", 0, 8, 1, false, "vp09.00.10.08", "820202")] // what it lies of 4:4:4 the frame does not have
    [InlineData("000a82020202", 1, 8, 3, false, "vp09.01.10.08.03.02.02.02.00", "860202")]
    [InlineData("000aa2091009", 2, 10, 1, false, "vp09.02.10.10.01.09.16.09.00", "a20910")] // HDR10
    [InlineData("000a82020202", 0, 8, 1, true, "vp09.00.10.08.01.02.02.02.01", "830202")]
    public void Name(string record, int profile, int depth, int chroma, bool isFull, string name, string format)
    {
        Assert.True(Vp9Configuration.TryRead(Convert.FromHexString(record + "0000"), out var body, out var fault), fault);
        var track = Vp9Configuration.TrackOf(body, new Vp9Header(true, profile, depth, chroma, isFull, 96, 64));
        Assert.Equal((name, format), (track.CodecName, Convert.ToHexStringLower(track.Configuration.Span.Slice(6, 3))));
    }

    [Fact]
    public void A_keyframe_of_another_size_is_another_track_and_what_comes_before_the_first_is_nothing()
    {
        var video = new FlvVideo();
        Assert.Equal(FlvContent.Dropped, Read("9176703039" + Key, out _, out var fault));
        Assert.Equal(FlvFault.NoConfiguration, fault);
        Assert.Equal(FlvContent.Nothing, Read("9076703039" + Record, out _, out _));
        Assert.Equal(FlvContent.Dropped, Read("a176703039" + "8600", out _, out fault));
        Assert.Equal((FlvFault.NoConfiguration, "video before its first keyframe"), (fault, video.FaultText));
        // Whatever the tag says of itself.
        Assert.Equal(FlvContent.Frame, Read("a176703039" + Key, out var first, out _));
        Assert.Equal((96, 64, true), (first.Track.Width, first.Track.Height, first.IsKey));
        Assert.Equal(FlvContent.Frame, Read("9176703039" + "8600", out var inter, out _));
        Assert.Equal((false, true), (inter.IsKey, ReferenceEquals(first.Track, inter.Track)));
        Assert.Equal(FlvContent.Frame, Read("9176703039" + Key, out var again, out _));
        Assert.Same(first.Track, again.Track);
        Assert.Equal(FlvContent.Frame, Read("9176703039" + "8249834200" + "0bf003f6", out var larger, out _));
        Assert.Equal((192, 64), (larger.Track.Width, larger.Track.Height));
        Assert.Equal(FlvContent.Dropped, Read("9176703039" + "00", out _, out fault));
        Assert.Equal(FlvFault.BadFrame, fault);
        Assert.Equal(FlvContent.Frame, Read("9376703039" + "8600", out var last, out _));
        Assert.Same(larger.Track, last.Track);

        FlvContent Read(string hex, out Frame frame, out FlvFault wrong) => video.Read(Convert.FromHexString(hex), default, out frame, out wrong);
    }

    [Fact]
    public void Hostile_frames_are_refused_or_read()
    {
        var random = AvcConfigurationTests.Seeded(out var seed);
        for (var i = 0; i < 20_000; i++)
        {
            var (frame, record) = (Convert.FromHexString(Key + "00"), Convert.FromHexString(Record));
            for (var changes = random.Next(1, 5); changes > 0; changes--)
            {
                frame[random.Next(frame.Length)] = (byte)random.Next(256);
                record[random.Next(record.Length)] = (byte)random.Next(256);
            }
            var isTaken = Vp9Header.TryRead(frame.AsSpan(0, random.Next(frame.Length + 1)), out var header, out var fault);
            Assert.True(isTaken == (fault.Length == 0), seed);
            var isRecord = Vp9Configuration.TryRead(record, out var body, out fault);
            Assert.True(isRecord == (fault.Length == 0) && isRecord == (body.Length == 12), seed);
            if (!isTaken || !header.IsKey || !isRecord)
                continue;
            var track = Vp9Configuration.TrackOf(body, header);
            Assert.True(track.Width is > 0 and <= 16_384 && track.Height is > 0 and <= 16_384 && track.CodecName.StartsWith("vp09.0", StringComparison.Ordinal), seed);
            Assert.True(Vp9Configuration.TryRead(track.Configuration.Span, out body, out _) && body.AsSpan().SequenceEqual(track.Configuration.Span), seed);
        }
    }
}
