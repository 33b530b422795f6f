using XLive.Media.Codecs;

namespace XLive.Media.Tests.Codecs;

public class AudioConfigurationTests
{
    // ffmpeg 5.1's encoder, unless said otherwise; it pads all with an extension that says "no SBR" (56e500).
    public static TheoryData<string, string, int, int> Configurations => new()
    {
        { "158856e500", "mp4a.40.2", 8_000, 1 },
        { "121056e500", "mp4a.40.2", 44_100, 2 },
        { "1190", "mp4a.40.2", 48_000, 2 },
        { "101056e500", "mp4a.40.2", 96_000, 2 },
        { "119856e500", "mp4a.40.2", 48_000, 3 },
        { "11a056e500", "mp4a.40.2", 48_000, 4 },
        { "11a856e500", "mp4a.40.2", 48_000, 5 },
        { "11b056e500", "mp4a.40.2", 48_000, 6 },
        { "11b856e500", "mp4a.40.2", 48_000, 8 },
        // program config elements: 2.1, quadraphonic, 5.1 with side speakers, 6.1, wide 7.1
        { "118004c4010020000d4c61766335392e33372e31303056e500", "mp4a.40.2", 48_000, 3 },
        { "118004c4040021100d4c61766335392e33372e31303056e500", "mp4a.40.2", 48_000, 4 },
        { "1200050844002000c40d4c61766335392e33372e31303056e500", "mp4a.40.2", 44_100, 6 },
        { "118004c848002000c4400d4c61766335392e33372e31303056e500", "mp4a.40.2", 48_000, 7 },
        { "118004c848002000c6400d4c61766335392e33372e31303056e500", "mp4a.40.2", 48_000, 8 },
        // the other object types that ADTS names
        { "0a10", "mp4a.40.1", 44_100, 2 },
        { "2210", "mp4a.40.4", 44_100, 2 },
        // HE-AAC, hierarchical: 24 kHz heard at 48; parametric stereo: of one channel two (RFC 3640's and Apple's examples)
        { "2b118800", "mp4a.40.5", 48_000, 2 },
        { "eb098800", "mp4a.40.29", 48_000, 2 },
        // the same, backward compatible; then with a half that is not said
        { "131056e598", "mp4a.40.5", 48_000, 2 },
        { "130856e59d4880", "mp4a.40.29", 48_000, 2 },
        { "130856e5", "mp4a.40.2", 24_000, 1 },
        // 48000 written out
        { "17805dc010", "mp4a.40.2", 48_000, 2 },
    };

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Configuration_of_an_encoder(string hex, string name, int rate, int channels)
    {
        var config = Convert.FromHexString(hex);
        Assert.True(AacConfiguration.TryRead(config, out var track, out var fault), fault);
        Assert.Equal((TrackKind.Audio, Codec.Aac, name, rate, channels), (track!.Kind, track.Codec, track.CodecName, track.SampleRate, track.Channels));
        Assert.Equal(config, track.Configuration.ToArray());
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Cut_anywhere_it_is_refused_or_the_same_core(string hex, string name, int rate, int channels)
    {
        _ = (name, rate, channels);
        var config = Convert.FromHexString(hex);
        Assert.True(AacParameters.TryRead(config, out var whole, out _));
        for (var length = 0; length < config.Length; length++)
        {
            var isTaken = AacConfiguration.TryRead(config.AsSpan(0, length), out var track, out var fault);
            Assert.True(isTaken == (track is not null) && isTaken == (fault.Length == 0));
            if (!isTaken)
                continue;
            AacParameters.TryRead(config.AsSpan(0, length), out var cut, out _);
            Assert.Equal((whole.CoreType, whole.CoreRate, whole.ChannelConfiguration, whole.ElementEnd), (cut.CoreType, cut.CoreRate, cut.ChannelConfiguration, cut.ElementEnd));
        }
    }

    [Theory]
    [InlineData("", "cut short")]
    [InlineData("12", "cut short")]
    [InlineData("f8e85000", "object type 39")]
    [InlineData("0010", "object type 0")]
    [InlineData("1690", "0 Hz")]
    [InlineData("17804e2110", "40002 Hz")]
    [InlineData("1214", "960 samples")]
    [InlineData("1258", "channel configuration 11")]
    [InlineData("1200040000000000", "no channel")]
    public void What_is_wrong_is_named(string hex, string fault)
    {
        Assert.False(AacConfiguration.TryRead(Convert.FromHexString(hex), out var track, out var said));
        Assert.Null(track);
        Assert.Contains(fault, said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1210", 100, "fff150800d7ffc")]
    [InlineData("119056e500", 8_184, "fff14c83fffffc")]
    [InlineData("2b118800", 0x155, "fff158802b9ffc")]
    [InlineData("eb098800", 0x155, "fff158402b9ffc")]
    public void Header_before_a_frame(string hex, int payload, string header)
    {
        var adts = new AdtsHeader(Convert.FromHexString(hex));
        Assert.True(adts.Holds(payload));
        var output = new byte[adts.Length];
        adts.Write(output, payload);
        Assert.Equal(header, Convert.ToHexStringLower(output));
        Assert.False(adts.Holds(8_185));
        Assert.False(adts.Holds(0));
    }

    [Fact]
    public void Element_goes_before_each_frame_aligned_anew()
    {
        // The first bytes behind the header of what ffmpeg 5.1 makes of the same stream: -c copy -f adts.
        var adts = new AdtsHeader(Convert.FromHexString("1200050844002000c40d4c61766335392e33372e31303056e500"));
        var output = new byte[adts.Length];
        adts.Write(output, 6);
        Assert.Equal("fff15000047ffca0a10880040018800d4c61766335392e33372e313030", Convert.ToHexStringLower(output));
    }

    [Theory]
    [InlineData("fffb50c4", 44_100, 1)]
    [InlineData("fffb9464", 48_000, 2)]
    [InlineData("fff38064", 22_050, 2)]
    [InlineData("ffe33864", 8_000, 2)]
    public void Mp3_of_lame(string hex, int rate, int channels)
    {
        Assert.True(Mp3Header.TryRead(Convert.FromHexString(hex), out var track, out var fault), fault);
        Assert.Equal((Codec.Mp3, "mp4a.40.34", rate, channels), (track!.Codec, track.CodecName, track.SampleRate, track.Channels));
    }

    [Theory]
    [InlineData("", "cut short")]
    [InlineData("fffb94", "cut short")]
    [InlineData("7ffb9464", "synchronisation")]
    [InlineData("ff1b9464", "synchronisation")]
    [InlineData("ffeb9464", "version")]
    [InlineData("fffd9464", "layer III")]
    [InlineData("fffff464", "layer III")]
    [InlineData("fffbf464", "bit rate")]
    [InlineData("fffb9c64", "sampling rate")]
    public void Mp3_that_is_none(string hex, string fault)
    {
        Assert.False(Mp3Header.TryRead(Convert.FromHexString(hex), out var track, out var said));
        Assert.Null(track);
        Assert.Contains(fault, said, StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_configurations_are_refused_or_read()
    {
        var random = AvcConfigurationTests.Seeded(out var seed);
        var all = Configurations.Select(row => Convert.FromHexString(row.Data.Item1)).ToArray();
        var taken = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var config = (byte[])all[random.Next(all.Length)].Clone();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
                config[random.Next(config.Length)] ^= (byte)(1 << random.Next(8));
            var isTaken = AacConfiguration.TryRead(config, out var track, out var fault);
            Assert.True(isTaken == (track is not null) && isTaken == (fault.Length == 0), seed);
            if (track is null)
                continue;
            taken++;
            Assert.True(track.Channels is > 0 and <= 96 && track.SampleRate is >= 7_350 and <= 96_000, seed);
            var adts = new AdtsHeader(config);
            Assert.True(adts.FrameTicks > 0 && adts.Holds(1), seed);
            adts.Write(new byte[adts.Length], 1);
        }
        Assert.True(taken > 1_000, seed);
    }
}
