using XLive.Media.Codecs;

namespace XLive.Media.Tests.Codecs;

/// <summary>The records are those that ffmpeg 5.1 wrote into MP4 files of the sizes named.</summary>
public class Av1ConfigurationTests
{
    private const string Libaom = "81000c000a0b000000043cfeccdaf90040";

    [Theory]
    [InlineData(Libaom, "av01.0.00M.08", 320, 180)]
    // 4:4:4
    [InlineData("812100000a0b2000000cc5036936be4080", "av01.1.01M.08", 642, 362)]
    // SVT-AV1, 10 bits
    [InlineData("81084c000a0b00000042a67fd9e017c202", "av01.0.08M.10", 1280, 720)]
    public void Record_of_an_encoder(string hex, string name, int width, int height)
    {
        var record = Convert.FromHexString(hex);
        Assert.True(Av1Configuration.TryRead(record, out var track, out var fault), fault);
        Assert.Equal((TrackKind.Video, Codec.Av1, name, width, height, 0), (track!.Kind, track.Codec, track.CodecName, track.Width, track.Height, track.FrameRate));
        Assert.Equal(record, track.Configuration.ToArray());
        for (var length = 0; length < record.Length; length++)
        {
            // Of the sequence header the last byte is padding, and its OBU says that it is there.
            Assert.False(Av1Configuration.TryRead(record.AsSpan(0, length), out track, out fault));
            Assert.True(track is null && fault.Length > 0);
        }
    }

    [Fact]
    public void What_it_repeats_of_the_sequence_header_is_taken_from_there()
    {
        var record = Convert.FromHexString(Libaom);
        byte[] lying = [0x81, 0xFF, 0xFF, 0x1F, 0x12, 0, 0x2A, 1, 0xAA, .. record[4..]];
        Assert.True(Av1Configuration.TryRead(lying, out var track, out var fault), fault);
        Assert.Equal(record, track!.Configuration.ToArray());
        // Without its size the OBU goes to the end.
        Assert.True(Av1Configuration.TryRead([.. record[..4], 0x08, .. record[6..]], out track, out _));
        Assert.Equal(record, track!.Configuration.ToArray());
    }

    [Theory]
    [InlineData("81000c", "cut short")]
    [InlineData("01000c000a0b000000043cfeccdaf90040", "version")]
    [InlineData("81000c00", "no sequence header")]
    [InlineData("81000c001200", "no sequence header")]
    [InlineData("81000c000a7f000000043cfeccdaf90040", "longer than the record")]
    [InlineData("81000c008a0b000000043cfeccdaf90040", "longer than the record")]
    [InlineData("81000c000a0b180000043cfeccdaf90040", "still picture")]
    [InlineData("81000c000a0be00000043cfeccdaf90040", "profile 7")]
    [InlineData("81000c000a03000000", "cut short")]
    public void What_is_wrong_is_named(string hex, string fault)
    {
        Assert.False(Av1Configuration.TryRead(Convert.FromHexString(hex), out _, out var said));
        Assert.Contains(fault, said, StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_records_are_refused_or_read()
    {
        var random = AvcConfigurationTests.Seeded(out var seed);
        for (var i = 0; i < 20_000; i++)
        {
            var record = Convert.FromHexString(Libaom);
            for (var changes = random.Next(1, 5); changes > 0; changes--)
                record[random.Next(record.Length)] = (byte)random.Next(256);
            var isTaken = Av1Configuration.TryRead(record, out var track, out var fault);
            Assert.True(isTaken == (track is not null) && isTaken == (fault.Length == 0), seed);
            if (track is not null)
                Assert.True(track.Width is > 0 and <= 16_384 && track.Height is > 0 and <= 16_384 && track.FrameRate is 0 or (>= 1 and <= 300), seed);
        }
    }

    [Fact]
    public void Sizes_of_OBUs_have_eight_bytes_at_most()
    {
        // 3, in as many bytes as there may be; in one more; and of 35 bits.
        Assert.Equal((1, false), Walk([0x32, 0x83, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 1, 2, 3]));
        Assert.Equal((0, true), Walk([0x32, 0x83, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 1, 2, 3]));
        Assert.Equal((0, true), Walk([0x32, 0x80, 0x80, 0x80, 0x80, 0x10, 1]));
        Assert.Equal((2, false), Walk([0x12, 0, 0x36, 0xE0, 1, 9]));
        Assert.Equal((0, true), Walk([0x36]));

        static (int Count, bool IsBroken) Walk(byte[] bytes)
        {
            var units = new Obus(bytes);
            var count = 0;
            while (units.MoveNext())
                count++;
            return (count, units.IsBroken);
        }
    }
}
