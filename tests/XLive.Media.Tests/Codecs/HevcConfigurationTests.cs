using System.Buffers.Binary;
using XLive.Media.Codecs;

namespace XLive.Media.Tests.Codecs;

/// <summary>The records are those that ffmpeg 5.1 with x265 3.5 wrote into MP4 files of the sizes named, without the array of x265's own words.</summary>
public class HevcConfigurationTests
{
    internal const string Main = "0101600000009000000000003cf000fcfdf8f800000f03200001001840010c01ffff01600000030090000003000003003c959409210001002b42010101600000030090000003000003003ca00a080c1f3e595952930bc05a02000003000200000300321022000100064401c073c189";
    private const string Main10 = "01022000000090000000000078f000fcfdfafa00000f03200001001840010c01ffff022000000300900000030000030078959409210001002b420101022000000300900000030000030078a003c0801107cad965654a4c2f01680800001f480003a9804022000100064401c073c189";

    public static TheoryData<string, string, int, int, double> Records => new()
    {
        { Main, "hvc1.1.6.L60.90", 320, 180, 25 },
        // 10 bits, 29.97; 1088 coded rows, 8 cropped
        { Main10, "hvc1.2.4.L120.90", 1920, 1080, 30000.0 / 1001 },
        // sample aspect ratio 16:11, cropped, scaling lists, hypothetical reference decoder
        { "0101600000009000000000005af000fcfdf8f800000f03200001001840010c01ffff01600000030090000003000003005a959809210001003642010101600000030090000003000003005aa005a20151d565959a49395e08d01000000300100000030326014986e000f424001e848822000100074401c172b46240", "hvc1.1.6.L90.90", 1044, 334, 50 },
        // 4:4:4: columns and rows cropped one by one
        { "0104080000009e08000000003cf000fcfff8f800000f03200001001740010c01ffff0408000003009e0800000300003c959809210001002b4201010408000003009e0800000300003c90014901739ef2cacd24995e02d010000003001000000303c08022000100084401c172860c4624", "hvc1.4.10.L60.9E.8", 322, 182, 60 },
    };

    [Theory]
    [MemberData(nameof(Records))]
    public void Record_of_an_encoder(string hex, string name, int width, int height, double rate)
    {
        var record = Convert.FromHexString(hex);
        Assert.True(HevcConfiguration.TryRead(record, out var track, out var fault), fault);
        Assert.Equal((TrackKind.Video, Codec.Hevc, name), (track!.Kind, track.Codec, track.CodecName));
        Assert.Equal((width, height), (track.Width, track.Height));
        Assert.Equal(rate, track.FrameRate, 6);
        // What a record repeats of its sets is what they say; and that no others come within frames is told of each array.
        foreach (var at in Arrays(record))
            record[at] |= 0x80;
        Assert.Equal(record, track.Configuration.ToArray());
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void Nothing_short_of_the_sets_is_a_record(string hex, string name, int width, int height, double rate)
    {
        _ = (name, width, height, rate);
        var record = Convert.FromHexString(hex);
        for (var length = 0; length < record.Length; length++)
        {
            Assert.False(HevcConfiguration.TryRead(record.AsSpan(0, length), out var track, out var fault));
            Assert.Null(track);
            Assert.NotEmpty(fault);
        }
    }

    [Fact]
    public void Another_order_another_length_and_words_of_the_encoder_make_the_same_record()
    {
        Assert.True(HevcConfiguration.TryRead(Convert.FromHexString(Main), out var track, out _));
        var record = Convert.FromHexString(Main);
        var arrays = Arrays(record).Append(record.Length).ToArray();
        byte[] other = [.. record[..22], 4, 0x27, 0, 1, 0, 3, 0x4E, 0x01, 0x05, .. record[arrays[2]..arrays[3]], .. record[arrays[1]..arrays[2]], .. record[arrays[0]..arrays[1]]];
        other[21] &= 0xFC;
        Assert.Equal(1, HevcConfiguration.NalLengthSize(other));
        Assert.True(HevcConfiguration.TryRead(other, out var again, out var fault), fault);
        Assert.Equal(track!.Configuration.ToArray(), again!.Configuration.ToArray());

        var sets = new byte[HevcConfiguration.ParameterSetsLength(track.Configuration.Span)];
        HevcConfiguration.WriteParameterSets(track.Configuration.Span, sets);
        Assert.Equal([0, 0, 0, 1, 0x40, 1], sets[..6]);
        Assert.Equal(record.Length - 23 - (3 * 3) + (3 * 2), sets.Length);
    }

    [Theory]
    [InlineData(0, "00", "version")]
    [InlineData(21, "0e", "3 bytes")]
    [InlineData(22, "02", "no picture parameter set")]
    [InlineData(23, "21", "another type")]
    [InlineData(23, "27", "another type")]
    [InlineData(25, "ff", "cut short")]
    [InlineData(24, "ff", "cut short")]
    public void What_is_wrong_is_named(int at, string hex, string fault)
    {
        var record = Convert.FromHexString(Main);
        record[at] = Convert.FromHexString(hex)[0];
        Assert.False(HevcConfiguration.TryRead(record, out _, out var said));
        Assert.Contains(fault, said, StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_records_are_refused_or_read()
    {
        var random = AvcConfigurationTests.Seeded(out var seed);
        var all = Records.Select(row => Convert.FromHexString(row.Data.Item1)).ToArray();
        for (var i = 0; i < 20_000; i++)
        {
            var record = (byte[])all[random.Next(all.Length)].Clone();
            for (var changes = random.Next(1, 8); changes > 0; changes--)
                record[random.Next(record.Length)] = (byte)random.Next(256);
            var given = record.AsSpan(0, random.Next(4) == 0 ? random.Next(record.Length) : record.Length);
            var isTaken = HevcConfiguration.TryRead(given, out var track, out var fault);
            Assert.True(isTaken == (track is not null) && isTaken == (fault.Length == 0), seed);
            if (track is not null)
                Assert.True(track.Width is > 0 and <= 16_888 && track.Height is > 0 and <= 16_888 && track.FrameRate is 0 or (>= 1 and <= 300), seed);
        }
    }

    private static List<int> Arrays(byte[] record)
    {
        List<int> places = [];
        for (var at = 23; at < record.Length;)
        {
            places.Add(at);
            var units = BinaryPrimitives.ReadUInt16BigEndian(record.AsSpan(at + 1));
            at += 3;
            for (; units > 0; units--)
                at += 2 + BinaryPrimitives.ReadUInt16BigEndian(record.AsSpan(at));
        }
        return places;
    }
}
