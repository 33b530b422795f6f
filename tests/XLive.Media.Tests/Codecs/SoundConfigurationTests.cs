using XLive.Media.Codecs;

namespace XLive.Media.Tests.Codecs;

/// <summary>Opus, FLAC, AC-3 and E-AC-3: what FFmpeg 8.1 sent of them, and what the boxes are that ffmpeg 5.1 writes of the same.</summary>
public class SoundConfigurationTests
{
    private const string StreamInfo = "1200120000019200051d0bb802f00002328084c061f124b9a7efe6253e714ead116f";

    [Theory]
    [InlineData("4f707573486561640101380180bb0000000000", 1, "000101380000bb80000000")]
    [InlineData("4f707573486561640106380180bb00000000010402000401020305", 6, "000601380000bb800000010402000401020305")]
    [InlineData("", 2, "0002000000000000000000")]
    public void Opus_header(string hex, int channels, string box)
    {
        Assert.True(OpusConfiguration.TryRead(Convert.FromHexString(hex), out var track, out var fault), fault);
        Assert.Equal((Codec.Opus, "Opus", 48_000, channels), (track!.Codec, track.CodecName, track.SampleRate, track.Channels));
        var written = new byte[OpusConfiguration.BoxLength(track.Configuration.Span)];
        OpusConfiguration.WriteBox(track.Configuration.Span, written);
        Assert.Equal(box, Convert.ToHexStringLower(written));
    }

    [Theory]
    [InlineData("4f7075734865616401023801" + "80bb00000000", "cut short")]
    [InlineData("4f7075735461677301023801" + "80bb0000000000", "another name")]
    [InlineData("4f7075734865616410023801" + "80bb0000000000", "version")]
    [InlineData("4f7075734865616401003801" + "80bb0000000000", "0 channels")]
    [InlineData("4f7075734865616401033801" + "80bb0000000000", "3 channels")]
    [InlineData("4f7075734865616401093801" + "80bb0000000001" + "0900" + "000102030405060708", "9 channels")]
    [InlineData("4f7075734865616401023801" + "80bb0000000002", "family 2")]
    [InlineData("4f7075734865616401023801" + "80bb0000000001" + "0101", "cut short")]
    [InlineData("4f7075734865616401023801" + "80bb0000000001" + "0102" + "0001", "does not exist")]
    [InlineData("4f7075734865616401023801" + "80bb0000000001" + "0101" + "0002", "does not exist")]
    public void What_is_wrong_with_an_Opus_header_is_named(string hex, string fault)
    {
        Assert.False(OpusConfiguration.TryRead(Convert.FromHexString(hex), out _, out var said));
        Assert.Contains(fault, said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("f8", 960)] // CELT, 20 ms
    [InlineData("e0", 120)] // 2.5 ms
    [InlineData("18", 2880)] // SILK, 60 ms
    [InlineData("68", 960)] // hybrid, 20 ms
    [InlineData("f9", 1920)] // two
    [InlineData("fb06", 5760)]
    [InlineData("fb07", 0)] // 140 ms
    [InlineData("fb00", 0)]
    [InlineData("fb", 0)]
    [InlineData("", 0)]
    public void Opus_packets_tell_how_long_they_are(string hex, int samples) => Assert.Equal(samples, OpusConfiguration.SamplesOf(Convert.FromHexString(hex)));

    [Fact]
    public void Flac_header_with_its_signature_and_without()
    {
        Assert.True(FlacConfiguration.TryRead(Convert.FromHexString(StreamInfo), out var bare, out var fault), fault);
        Assert.Equal((Codec.Flac, "fLaC", 48_000, 2), (bare!.Codec, bare.CodecName, bare.SampleRate, bare.Channels));
        Assert.Equal("664c614380000022" + StreamInfo, Convert.ToHexStringLower(bare.Configuration.Span));
        Assert.Equal(16, FlacConfiguration.BitsOf(bare.Configuration.Span));
        Assert.True(FlacConfiguration.TryRead(Convert.FromHexString("664c6143" + StreamInfo), out var headless, out fault), fault);
        Assert.Equal(bare.Configuration.ToArray(), headless!.Configuration.ToArray());
        // With comments behind it.
        Assert.True(FlacConfiguration.TryRead(Convert.FromHexString("664c614300000022" + StreamInfo + "84000001aa"), out var whole, out fault), fault);
        Assert.Equal(bare.Configuration.ToArray(), whole!.Configuration.ToArray());
    }

    [Theory]
    [InlineData("664c614380000022" + "1200", "cut short")]
    [InlineData("4f67675380000022" + StreamInfo, "signature")]
    [InlineData("664c614384000022" + StreamInfo, "not the first")]
    [InlineData("1200120000019200051d" + "000002f00002328084c061f124b9a7efe6253e714ead116f", "no sampling rate")]
    [InlineData("1200100000019200051d" + "0bb802f00002328084c061f124b9a7efe6253e714ead116f", "blocks")]
    public void What_is_wrong_with_a_Flac_header_is_named(string hex, string fault)
    {
        Assert.False(FlacConfiguration.TryRead(Convert.FromHexString(hex), out _, out var said));
        Assert.Contains(fault, said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fff85a8800374e000000", 4608)]
    [InlineData("fff81a880037", 192)]
    [InlineData("fff8ca880037", 4096)]
    [InlineData("fff86a8801374e000000", 0x38)] // a byte behind the number
    [InlineData("fff87a88011fff4e0000", 0x2000)] // two
    [InlineData("fff87a88c2801fff4e00", 0x2000)] // and a longer number
    [InlineData("fff87a88c2801f", 0)]
    [InlineData("fff80a8800374e000000", 0)]
    [InlineData("fff65a8800374e000000", 0)]
    [InlineData("0b775a8800374e000000", 0)]
    public void Flac_frames_tell_how_long_they_are(string hex, int samples) => Assert.Equal(samples, FlacConfiguration.SamplesOf(Convert.FromHexString(hex)));

    [Theory]
    // 5.1 at 448 kbit/s; stereo at 192; one channel at 64 and 44.1 kHz, whose frames have two lengths
    [InlineData("0b77b50b1e40ebf8403e", 1792, "ac-3", 48_000, 6, "103de0")]
    [InlineData("0b7700001440" + "4000", 768, "ac-3", 48_000, 2, "101140")]
    [InlineData("0b7700004840" + "2000", 278, "ac-3", 44_100, 1, "500880")]
    [InlineData("0b7700004940" + "2000", 280, "ac-3", 44_100, 1, "500880")]
    [InlineData("0b77017f3487c0002084", 768, "ec-3", 48_000, 2, "0600200400")]
    public void Header_of_a_frame(string hex, int length, string name, int rate, int channels, string box)
    {
        var isEnhanced = name == "ec-3";
        var frame = new byte[length];
        Convert.FromHexString(hex).CopyTo(frame, 0);
        Assert.True(Ac3Header.TryRead(frame, isEnhanced, out var track, out var fault), fault);
        Assert.Equal((name, rate, channels, box), (track!.CodecName, track.SampleRate, track.Channels, Convert.ToHexStringLower(track.Configuration.Span)));
        Assert.Equal(isEnhanced ? Codec.Eac3 : Codec.Ac3, track.Codec);
        Assert.True(Ac3Header.IsOf(track, frame));
        Assert.False(Ac3Header.IsOf(track, frame.AsSpan(1)));
        Assert.False(Ac3Header.TryRead(frame, !isEnhanced, out _, out _));
        Assert.False(Ac3Header.TryRead(frame.AsSpan(0, length - 1), isEnhanced, out _, out _));
        Assert.False(Ac3Header.TryRead([.. frame, 0], isEnhanced, out _, out fault));
        Assert.Contains(isEnhanced ? "several substreams" : "bytes", fault, StringComparison.Ordinal);
    }
}
