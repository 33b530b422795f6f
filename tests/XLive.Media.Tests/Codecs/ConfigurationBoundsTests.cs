using XLive.Media.Codecs;

namespace XLive.Media.Tests.Codecs;

/// <summary>Fields as wide as they may be, and the first value beyond each bound: what encoders do not send, and strangers may.</summary>
public class ConfigurationBoundsTests
{
    private static byte[] Bytes(string bits) => [.. bits.Chunk(8).Select(static b => Convert.ToByte(new string(b).PadRight(8, '0'), 2))];

    private static string Bits(long value, int count) => Convert.ToString(value, 2).PadLeft(count, '0');

    private static string Golomb(int value) => new string('0', Convert.ToString(value + 1, 2).Length - 1) + Convert.ToString(value + 1, 2);

    [Fact]
    public void Of_AVC_there_may_be_31_sequence_parameter_sets()
    {
        var (sequence, picture) = (Convert.FromHexString("0019" + "6742c00cd901419f9f011000000300100000030320f142a480"), Convert.FromHexString("0005" + "68cb83cb20"));
        byte[] record = [1, 0x42, 0xC0, 0x0C, 0xFF, 0xE0 | 17, .. Enumerable.Repeat(sequence, 17).SelectMany(static s => s), 1, .. picture];
        Assert.True(AvcConfiguration.TryRead(record, out var track, out var fault), fault);
        Assert.Equal((17 * 29) + 9, AvcConfiguration.ParameterSetsLength(track!.Configuration.Span));
        Assert.False(AvcConfiguration.TryRead(record.AsSpan(0, record.Length - 1), out _, out fault));
    }

    [Fact]
    public void Of_H264_a_cycle_has_255_pictures_at_most()
    {
        string Unit(int cycle) => Bits(0x6742C00C, 32) + "1" + "1" + Golomb(1) + "1" + "1" + "1" + Golomb(cycle) + new string('1', cycle);
        Assert.False(SequenceParameters.TryRead(Bytes(Unit(256)), out _, out var fault));
        Assert.Contains("a picture order that does not exist", fault, StringComparison.Ordinal);
        Assert.True(SequenceParameters.TryRead(Bytes(Unit(255) + Golomb(2) + "0" + Golomb(19) + Golomb(9) + "11" + "00" + "1"), out var picture, out fault), fault);
        Assert.Equal((320, 160), (picture.Width, picture.Height));
    }

    [Theory]
    [InlineData(7, 8, 8, "eight sub-layers")]
    [InlineData(0, 9, 8, "a bit depth that does not exist")]
    [InlineData(0, 8, 9, "a bit depth that does not exist")]
    [InlineData(0, 8, 8, "")]
    public void Of_HEVC_sub_layers_and_bit_depths(int subLayers, int luma, int colours, string words)
    {
        var unit = Bits(0x4201, 16) + Bits(0, 4) + Bits(subLayers, 3) + "1" + Bits(0x01600000, 32) + Bits(0x90000000, 32) + Bits(60, 32)
            + Golomb(0) + Golomb(1) + Golomb(64) + Golomb(64) + "0" + Golomb(luma) + Golomb(colours);
        Assert.Equal(words.Length == 0, HevcSequence.TryRead(Bytes(unit), out var sequence, out var fault));
        Assert.Contains(words, fault, StringComparison.Ordinal);
        if (words.Length == 0)
            Assert.Equal((64, 64, 16), (sequence.Picture.Width, sequence.Picture.Height, sequence.LumaDepth + 8));
    }

    [Fact]
    public void Of_HEVC_a_reserved_bit_beside_the_type_says_nothing()
    {
        var record = Convert.FromHexString(HevcConfigurationTests.Main);
        record[23] |= 0x40;
        Assert.True(HevcConfiguration.TryRead(record, out _, out var fault), fault);
    }

    /// <summary>Timing, a decoder model, and 32 operating points that each tell their delays: headers whose size takes two bytes, one of them of less than 256.</summary>
    [Theory]
    [InlineData(32)]
    [InlineData(10)]
    public void Of_AV1_long_headers(int delay)
    {
        var bits = "000" + "0" + "0" + "1" + Bits(1, 32) + Bits(25, 32) + "1" + "1" + "1" + Bits(delay - 1, 5) + Bits(1, 32) + Bits(4, 5) + Bits(4, 5) + "1" + Bits(31, 5);
        for (var i = 0; i < 32; i++)
            bits += Bits(0, 12) + Bits(8, 5) + "0" + "1" + new string('1', (2 * delay) + 1) + "1" + "1111";
        bits += Bits(9, 4) + Bits(8, 4) + Bits(639, 10) + Bits(359, 9) + "0" + "000" + "0000" + "0" + "1" + "1" + "000" + "0" + "0" + "0" + "0" + "00" + "0" + "0" + "1";
        var header = Bytes(bits);
        byte[] record = [0x81, 0, 0, 0, 0x0A, (byte)(0x80 | (header.Length & 0x7F)), (byte)(header.Length >> 7), .. header];
        Assert.Equal(delay == 32, header.Length >= 0x100);
        Assert.InRange(header.Length, 0x80, 0x200);
        Assert.True(Av1Configuration.TryRead(record, out var track, out var fault), fault);
        Assert.Equal(("av01.0.08M.08", 640, 360, 25.0), (track!.CodecName, track.Width, track.Height, track.FrameRate));
        Assert.Equal(record[4..], track.Configuration.ToArray()[4..]);
        Assert.Equal(header, Av1Configuration.SequenceHeader(track.Configuration.Span).ToArray());
    }

    [Theory]
    [InlineData("e330", 5760)] // 48 frames of 2.5 ms
    [InlineData("e331", 0)]
    [InlineData("fb26", 0)] // 38 of 20 ms, and not six
    public void Of_Opus_a_packet_has_up_to_48_frames(string hex, int samples) => Assert.Equal(samples, OpusConfiguration.SamplesOf(Convert.FromHexString(hex)));

    [Theory]
    [InlineData("0220", false)] // 3 bits a sample
    [InlineData("0230", true)] // 4
    public void Of_FLAC_a_sample_has_four_bits_or_more(string depth, bool isTaken) =>
        Assert.Equal(isTaken, FlacConfiguration.TryRead(Convert.FromHexString("1200120000019200051d" + "0bb8" + depth + "0002328084c061f124b9a7efe6253e714ead116f"), out _, out _));

    [Theory]
    [InlineData("26")] // the first size behind the table
    [InlineData("27")]
    [InlineData("28")]
    [InlineData("3f")]
    [InlineData("c0")] // the fourth rate
    public void Of_AC3_sizes_and_rates_end_with_their_tables(string size)
    {
        Assert.False(Ac3Header.TryRead(Convert.FromHexString("0b770000" + size + "4040000000"), false, out _, out var fault));
        Assert.Contains("a sampling rate or a size that does not exist", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_AC3_the_mix_of_two_channels_is_no_low_frequency()
    {
        var frame = new byte[768];
        Convert.FromHexString("0b77000014405000").CopyTo(frame, 0);
        Assert.True(Ac3Header.TryRead(frame, false, out var track, out var fault), fault);
        Assert.Equal(2, track!.Channels);
    }

    [Fact]
    public void Of_AAC_the_delay_of_a_core_coder_has_14_bits()
    {
        // LC of one channel at 24 kHz, whose core's delay is told; then SBR at 48.
        var config = Bytes("00010" + "0110" + "0001" + "0" + "1" + Bits(0, 14) + "0" + Bits(0x2B7, 11) + "00101" + "1" + "0011");
        Assert.True(AacConfiguration.TryRead(config, out var track, out var fault), fault);
        Assert.Equal(("mp4a.40.5", 48_000, 1), (track!.CodecName, track.SampleRate, track.Channels));
    }

    [Fact]
    public void Of_AAC_SBR_upon_SBR_does_not_exist()
    {
        Assert.False(AacConfiguration.TryRead(Convert.FromHexString("299194"), out _, out var fault));
        Assert.Contains("object type 5", fault, StringComparison.Ordinal);
    }
}
