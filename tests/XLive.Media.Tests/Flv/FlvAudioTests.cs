using XLive.Media.Flv;

namespace XLive.Media.Tests.Flv;

public class FlvAudioTests
{
    private readonly FlvAudio _audio = new();

    [Fact]
    public void Aac()
    {
        Assert.Equal(FlvContent.Dropped, Read("AF01 2110", out _, out var fault));
        Assert.Equal(FlvFault.NoConfiguration, fault);
        Assert.Equal(FlvContent.Dropped, Read("AF00", out _, out fault)); // a configuration of nothing
        Assert.Equal(FlvFault.BadConfiguration, fault);
        Assert.Equal(FlvContent.Track, Read("AF00 1210", out _, out _));
        Assert.Equal(("mp4a.40.2", 44100, 2), (_audio.Track!.CodecName, _audio.Track.SampleRate, _audio.Track.Channels));
        Assert.Equal(FlvContent.Nothing, Read("AF00 1210", out _, out _));
        Assert.Equal(FlvContent.Nothing, Read("AF01", out _, out _)); // silence
        Assert.Equal(FlvContent.Nothing, Read("AF", out _, out _));
        Assert.Equal(FlvContent.Nothing, Read("", out _, out _));
        Assert.Equal(FlvContent.Frame, Read("AF01 211004", out var frame, out _));
        Assert.Equal("211004", Convert.ToHexString(frame.Payload.Span));
        Assert.True(frame.IsKey);
        Assert.Same(_audio.Track, frame.Track);
        Assert.Equal(FlvContent.Track, Read("AF00 1190", out _, out _));
        Assert.Equal(48000, _audio.Track!.SampleRate);
    }

    [Fact]
    public void Mp3()
    {
        Assert.Equal(FlvContent.Frame, Read("2F FFFB9064 00", out var frame, out _));
        Assert.Equal("FFFB906400", Convert.ToHexString(frame.Payload.Span));
        var track = frame.Track;
        Assert.Equal((Codec.Mp3, 44100, 2), (track.Codec, track.SampleRate, track.Channels));
        // Padding, another bit rate, joint stereo or not, with a CRC: the same track.
        foreach (string header in new[] { "FFFB9264", "FFFBB000", "FFFA9040" })
        {
            Read("2F" + header + "00", out frame, out _);
            Assert.Same(track, frame.Track);
        }
        Read("2E FFFB90C4 00", out frame, out _);
        Assert.Equal(1, frame.Track.Channels);
        Read("EE FFE39064 00", out frame, out _);
        Assert.Equal(11025, frame.Track.SampleRate); // the frame says it, not the tag

        Assert.Equal(FlvContent.Nothing, Read("2F", out _, out _));
        Assert.Equal(FlvContent.Dropped, Read("2F 00000000", out _, out var fault));
        Assert.Equal(FlvFault.BadConfiguration, fault);
    }

    [Fact]
    public void A_codec_may_follow_another()
    {
        Read("AF00 1210", out _, out _);
        Read("2F FFFB9064 00", out _, out _);
        Assert.Equal(Codec.Mp3, _audio.Track!.Codec);
        Assert.Equal(FlvContent.Dropped, Read("AF01 2110", out _, out _));
        Assert.Equal(FlvContent.Track, Read("AF00 1210", out _, out _));
        Assert.Equal(FlvContent.Frame, Read("AF01 2110", out _, out _));
    }

    [Theory]
    [InlineData("B200", FlvFault.UnknownCodec)] // Speex
    [InlineData("0000", FlvFault.UnknownCodec)]
    public void Others_are_dropped(string hex, FlvFault fault)
    {
        Assert.Equal(FlvContent.Dropped, Read(hex, out _, out var found));
        Assert.Equal(fault, found);
        Assert.NotEmpty(_audio.FaultText);
    }

    private FlvContent Read(string hex, out Frame frame, out FlvFault fault) =>
        _audio.Read(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), default, out frame, out fault);
}
