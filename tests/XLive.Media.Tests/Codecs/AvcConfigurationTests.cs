using System.Globalization;
using XLive.Media.Codecs;

namespace XLive.Media.Tests.Codecs;

/// <summary>The records are those that ffmpeg 5.1 with x264 wrote into MP4 files of the sizes named.</summary>
public class AvcConfigurationTests
{
    private const string High = "0164002affe1001b6764002aacd940780227e5c044000003000400000301e03c60c65801000668ebe3cb22c0fdf8f800";

    public static TheoryData<string, string, int, int, double> Records => new()
    {
        // constrained baseline
        { "0142c00cffe100196742c00cd901419f9f011000000300100000030320f142a48001000568cb83cb20", "avc1.42c00c", 320, 180, 25 },
        // main; 29.97
        { "014d401fffe10017674d401feca02802dd808800001f480007530078c18cb001000568ebe3cb20", "avc1.4d401f", 1280, 720, 30000.0 / 1001 },
        // high; 1088 coded rows, 8 cropped
        { High, "avc1.64002a", 1920, 1080, 60 },
        // interlaced: the map units are two macroblocks high, and so is what is cropped
        { "01640028ffe1001a67640028acd94078044fde0220000003002000000643e2c5b2c001000668fba3cb22c0fdf8f800", "avc1.640028", 1920, 1080, 25 },
        // interlaced, sample aspect ratio 16:11 by its index
        { "0164001effe100186764001eacd940b424d8208000000300800000190f8a14cb01000668fba3cb22c0fdf8f800", "avc1.64001e", 1047, 576, 25 },
        // a ratio of its own, 64:45
        { "01640028ffe1001f67640028acd9405a0227e5ffc010000b44000003000400000300c83c60c65801000668ebe3cb22c0fdf8f800", "avc1.640028", 2048, 1080, 25 },
        // 23.976, cropped across
        { "0164001effe100196764001eacd940b42beab01100000303e90000bb800f162d9601000668ebe3cb22c0fdf8f800", "avc1.64001e", 718, 334, 24000.0 / 1001 },
        // 10 bits
        { "016e0015ffe1001b676e0015a6cd941519e226c044000003000400000301903c58b65801000668ebe3cb22c0fdfafa00", "avc1.6e0015", 322, 182, 50 },
        // 4:2:2: rows cropped one by one
        { "017a0015ffe1001a677a0015bcd941519e22330110000003001000000640f162d96001000668ebe3cb22c0fef8f800", "avc1.7a0015", 322, 181, 50 },
        // 4:4:4: columns too
        { "01f4000cffe1001a67f4000c919b282a33c211980880000003008000000f078a14cb01000668ebe3c44844fff8f800", "avc1.f4000c", 321, 181, 15 },
        { "01640033ffe1001a67640033acd9403c0043ec0440000003004000000f03c60c658001000768ebe3cb3002c0fdf8f800", "avc1.640033", 3840, 2160, 30 },
        { "01640033ffe1001a67640033acd94021c0786c0440000003004000000f03c60c658001000668ebe3cb22c0fdf8f800", "avc1.640033", 2160, 3840, 30 },
        // scaling lists in the picture's set
        { "0164001effe1001a6764001eacd940a02ff970110000030001000003003c0f162d9601000e68ebe3cb3420085080211080212cfdf8f800", "avc1.64001e", 640, 360, 30 },
        // hypothetical reference decoder behind the timing
        { "0164001effe100256764001eacd940a02ff970110000030001000003003c604000f424001e84a4c30078b16cb001000668ebe3cb22c0fdf8f800", "avc1.64001e", 640, 360, 30 },
    };

    [Theory]
    [MemberData(nameof(Records))]
    public void Record_of_an_encoder(string hex, string name, int width, int height, double rate)
    {
        var record = Convert.FromHexString(hex);
        Assert.True(AvcConfiguration.TryRead(record, out var track, out var fault), fault);
        Assert.Equal((TrackKind.Video, Codec.H264, name), (track!.Kind, track.Codec, track.CodecName));
        Assert.Equal((width, height), (track.Width, track.Height));
        Assert.Equal(rate, track.FrameRate, 6);
        Assert.Equal(record, track.Configuration.ToArray());
        Assert.Equal(4, AvcConfiguration.NalLengthSize(record));
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void Nothing_short_of_the_sets_is_a_record(string hex, string name, int width, int height, double rate)
    {
        _ = (name, width, height, rate);
        var record = Convert.FromHexString(hex);
        // The bytes behind the sets of high profiles (chroma format, bit depths) are for those who want them.
        var whole = record.Length - (record[1] is 66 or 77 ? 0 : 4);
        for (var length = 0; length < whole; length++)
        {
            Assert.False(AvcConfiguration.TryRead(record.AsSpan(0, length), out var track, out var fault));
            Assert.Null(track);
            Assert.NotEmpty(fault);
        }
        Assert.True(AvcConfiguration.TryRead(record.AsSpan(0, whole), out _, out _));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(3, 4)]
    public void Lengths_of_other_sizes_become_four_bytes(int coded, int size)
    {
        var record = Convert.FromHexString(High);
        record[4] = (byte)(0xFC | coded);
        Assert.Equal(size, AvcConfiguration.NalLengthSize(record));
        Assert.True(AvcConfiguration.TryRead(record, out var track, out _));
        Assert.Equal(4, AvcConfiguration.NalLengthSize(track!.Configuration.Span));
    }

    [Fact]
    public void Lengths_of_three_bytes_do_not_exist()
    {
        var record = Convert.FromHexString(High);
        record[4] = 0xFE;
        Assert.Equal(0, AvcConfiguration.NalLengthSize(record));
        Assert.False(AvcConfiguration.TryRead(record, out _, out var fault));
        Assert.Contains("3 bytes", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("00", 0, "version")]
    [InlineData("e0", 5, "no sequence parameter set")]
    [InlineData("e2", 5, "cut short")]
    [InlineData("68", 8, "sequence parameter set that is none")]
    [InlineData("67", 38, "picture parameter set that is none")]
    [InlineData("00", 35, "no picture parameter set")]
    public void What_is_wrong_is_named(string hex, int at, string fault)
    {
        var record = Convert.FromHexString(High);
        record[at] = Convert.FromHexString(hex)[0];
        Assert.False(AvcConfiguration.TryRead(record, out _, out var said));
        Assert.Contains(fault, said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1055, 132, true)]
    [InlineData(132, 1055, true)]
    [InlineData(373, 373, true)]
    [InlineData(374, 373, false)]
    [InlineData(1056, 1, false)]
    [InlineData(1, 1056, false)]
    [InlineData(4_000_000_000, 4_000_000_000, false)]
    [InlineData(65_536, 65_536, false)]
    public void Sizes_beyond_the_highest_level_are_refused(long columns, long rows, bool isTaken)
    {
        Assert.Equal(isTaken, AvcConfiguration.TryRead(Record(columns, rows, 0), out var track, out var fault));
        Assert.Equal(isTaken, track is not null);
        if (!isTaken)
            Assert.Contains("level 6.2", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(7, 306)]
    [InlineData(159, 2)]
    [InlineData(160, 0)]
    [InlineData(4_000_000_000, 0)]
    public void What_is_cropped_leaves_a_picture(long right, int width)
    {
        var isTaken = AvcConfiguration.TryRead(Record(20, 20, right), out var track, out var fault);
        Assert.Equal(width > 0, isTaken);
        if (isTaken)
            Assert.Equal(width, track!.Width);
        else
            Assert.Contains("cropped", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Sets_are_written_with_start_codes()
    {
        var record = Convert.FromHexString("014d401fffe10017674d401feca02802dd808800001f480007530078c18cb001000568ebe3cb20");
        var output = new byte[AvcConfiguration.ParameterSetsLength(record)];
        AvcConfiguration.WriteParameterSets(record, output);
        Assert.Equal("00000001674d401feca02802dd808800001f480007530078c18cb00000000168ebe3cb20", Convert.ToHexStringLower(output));
    }

    [Fact]
    public void Hostile_records_are_refused_or_read()
    {
        var random = Seeded(out var seed);
        var all = Records.Select(row => Convert.FromHexString(row.Data.Item1)).ToArray();
        for (var i = 0; i < 20_000; i++)
        {
            var record = (byte[])all[random.Next(all.Length)].Clone();
            for (var changes = random.Next(1, 8); changes > 0; changes--)
                record[random.Next(record.Length)] = (byte)random.Next(256);
            var given = record.AsSpan(0, random.Next(4) == 0 ? random.Next(record.Length) : record.Length);
            var isTaken = AvcConfiguration.TryRead(given, out var track, out var fault);
            Assert.True(isTaken == (track is not null) && isTaken == (fault.Length == 0), seed);
            if (track is null)
                continue;
            Assert.True(track.Width is > 0 and <= 16_880 && track.Height is > 0 and <= 16_880 && track.FrameRate is 0 or (>= 1 and <= 300), seed);
            AvcConfiguration.WriteParameterSets(given, new byte[AvcConfiguration.ParameterSetsLength(given)]);
        }
    }

    [Fact]
    public void Units_are_walked_to_the_first_false_length()
    {
        byte[] frame = [0, 0, 0, 2, 0x09, 0xF0, 0, 0, 0, 0, 0, 0, 0, 3, 0x65, 1, 2];
        List<string> found = [];
        var units = new NalUnits(frame);
        while (units.MoveNext())
            found.Add(units.Type + " " + units.Current.Length.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(["AccessUnitDelimiter 2", "Idr 3"], found);
        Assert.False(units.IsBroken);

        for (var length = 0; length < frame.Length; length++)
        {
            units = new NalUnits(frame.AsSpan(0, length));
            while (units.MoveNext())
            {
            }
            Assert.Equal(length is not (0 or 6 or 10), units.IsBroken);
        }
        units = new NalUnits([0xFF, 0xFF, 0xFF, 0xFF, 1]);
        Assert.False(units.MoveNext());
        Assert.True(units.IsBroken);
    }

    /// <summary>Seeded from XLIVE_SEED where it is set.</summary>
    internal static Random Seeded(out string said)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("XLIVE_SEED"), CultureInfo.InvariantCulture, out var given) ? given : Random.Shared.Next();
        said = "XLIVE_SEED=" + seed.ToString(CultureInfo.InvariantCulture);
        return new Random(seed);
    }

    /// <summary>Baseline, without VUI; cropped at the right by so many pairs of columns.</summary>
    private static byte[] Record(long columns, long rows, long right)
    {
        var bits = new List<bool>();
        void Write(ulong value, int count)
        {
            while (count-- > 0)
                bits.Add(((value >> count) & 1) != 0);
        }
        void Unsigned(long value)
        {
            var length = 64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)value + 1);
            Write((ulong)value + 1, (2 * length) - 1);
        }
        Write(0x6742_C00C, 32);
        Unsigned(0);
        Unsigned(0);
        Unsigned(2);
        Unsigned(1);
        Write(0, 1);
        Unsigned(columns - 1);
        Unsigned(rows - 1);
        Write(0b11, 2);
        Write(right > 0 ? 1u : 0, 1);
        if (right > 0)
        {
            Unsigned(0);
            Unsigned(right);
            Unsigned(0);
            Unsigned(0);
        }
        Write(0b01, 2);
        while (bits.Count % 8 != 0)
            bits.Add(false);
        List<byte> unit = [];
        for (var i = 0; i < bits.Count; i += 8)
        {
            var value = (byte)Enumerable.Range(i, 8).Aggregate(0, (sum, at) => (sum << 1) | (bits[at] ? 1 : 0));
            if (unit.Count >= 2 && unit[^1] == 0 && unit[^2] == 0 && value <= 3)
                unit.Add(3);
            unit.Add(value);
        }
        return [1, 0x42, 0xC0, 0x0C, 0xFF, 0xE1, 0, (byte)unit.Count, .. unit, 1, 0, 5, 0x68, 0xCB, 0x83, 0xCB, 0x20];
    }
}
