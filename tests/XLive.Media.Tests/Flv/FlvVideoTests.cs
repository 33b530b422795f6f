using XLive.Media.Flv;

namespace XLive.Media.Tests.Flv;

public class FlvVideoTests
{
    private readonly FlvVideo _video = new();

    [Fact]
    public void A_configuration_makes_the_track()
    {
        Assert.Equal(FlvContent.Track, Read(Bits.Configuration(Bits.Record(Bits.Sps, Bits.Pps, 2)), out _, out _));
        var track = _video.Track!;
        Assert.Equal((TrackKind.Video, Codec.H264, "avc1.f4000a", 64, 48), (track.Kind, track.Codec, track.CodecName, track.Width, track.Height));
        Assert.Equal(Bits.Record(Bits.Sps, Bits.Pps), track.Configuration.ToArray());

        // Repeated, as DJI's do before every keyframe, and empty: nothing new. Another one: another track.
        Assert.Equal(FlvContent.Nothing, Read(Bits.Configuration(Bits.Record(Bits.Sps, Bits.Pps, 2)), out _, out _));
        Assert.Equal(FlvContent.Dropped, Read(Bits.Configuration([]), out _, out var fault));
        Assert.Equal(FlvFault.BadConfiguration, fault);
        Assert.Same(track, _video.Track);
        Assert.Equal(FlvContent.Track, Read(Bits.Configuration(Bits.Record(Bits.OtherSps, Bits.Pps)), out _, out _));
        Assert.Equal("avc1.f4000b", _video.Track!.CodecName);
    }

    [Fact]
    public void A_frame_is_handed_out_where_it_lies()
    {
        Read(Bits.Configuration(Bits.Record(Bits.Sps, Bits.Pps)), out _, out _);
        byte[] body = Bits.Video(80, Bits.Sei, Bits.Idr);
        Assert.Equal(FlvContent.Frame, _video.Read(body, Timestamp.FromMilliseconds(40), out var frame, out _));
        Assert.True(frame.IsKey);
        Assert.Equal((3600L, 10800L), (frame.Decoded.Ticks, frame.Shown.Ticks));
        Assert.True(frame.Payload.Span.Overlaps(body));
        Assert.Same(_video.Track, frame.Track);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 90)]
    [InlineData(-1, -90)]
    [InlineData(0x7FFFFF, 0x7FFFFF * 90)]
    [InlineData(-0x800000, -0x800000 * 90)]
    public void The_composition_time_has_a_sign(int milliseconds, int ticks)
    {
        Read(Bits.Configuration(Bits.Record(Bits.Sps, Bits.Pps)), out _, out _);
        Read(Bits.Video(milliseconds, Bits.Slice), out var frame, out _);
        Assert.Equal(ticks, frame.CompositionOffset);
    }

    [Fact]
    public void What_a_frame_is_its_units_say()
    {
        Read(Bits.Configuration(Bits.Record(Bits.Sps, Bits.Pps)), out _, out _);
        foreach (byte said in new byte[] { 0x17, 0x27, 0x37 })
        {
            Assert.Equal(FrameFlags.Key, Flags(said, Bits.Idr));
            Assert.Equal(FrameFlags.None, Flags(said, Bits.Slice));
            Assert.Equal(FrameFlags.Disposable, Flags(said, Bits.Disposable));
            Assert.Equal(FrameFlags.None, Flags(said, Bits.Disposable, Bits.Slice));
            Assert.Equal(FrameFlags.None, Flags(said, Bits.Sei));
        }

        FrameFlags Flags(byte said, params byte[][] units)
        {
            byte[] body = Bits.Video(0, units);
            body[0] = said;
            Assert.Equal(FlvContent.Frame, Read(body, out var frame, out _));
            return frame.Flags;
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Lengths_come_out_in_four_bytes(int lengthSize)
    {
        Read(Bits.Configuration(Bits.Record(Bits.Sps, Bits.Pps, lengthSize)), out _, out _);
        Assert.Equal(FlvContent.Frame, Read(Bits.Video(lengthSize, 0, Bits.Sei, [], [0x41], Bits.Slice), out var frame, out _));
        Assert.Equal(Bits.Units(4, Bits.Sei, [0x41], Bits.Slice), frame.Payload.ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void A_length_that_lies_drops_the_frame(int lengthSize)
    {
        Read(Bits.Configuration(Bits.Record(Bits.Sps, Bits.Pps, lengthSize)), out _, out _);
        byte[] whole = Bits.Video(lengthSize, 0, Bits.Sei, Bits.Idr);
        for (int length = 6; length < whole.Length; length++)
        {
            bool boundary = length == 5 + lengthSize + Bits.Sei.Length;
            Assert.Equal(boundary ? FlvContent.Frame : FlvContent.Dropped, Read(whole[..length], out _, out var fault));
            Assert.Equal(boundary ? FlvFault.None : FlvFault.BadNalLength, fault);
        }
        byte[] huge = Bits.Video(lengthSize, 0, Bits.Idr);
        huge[5] = 0xFF;
        Assert.Equal(FlvContent.Dropped, Read(huge, out _, out _));
    }

    [Fact]
    public void Parameter_sets_within_frames_are_the_tracks()
    {
        Read(Bits.Configuration(Bits.Record(Bits.Sps, Bits.Pps)), out _, out _);
        var track = _video.Track;
        Read(Bits.Video(0, Bits.Sps, Bits.Pps, Bits.Sei, Bits.Idr), out var frame, out _);
        Assert.Equal(Bits.Units(4, Bits.Sei, Bits.Idr), frame.Payload.ToArray());
        Assert.Same(track, frame.Track);

        // Others, and the configuration as it was is repeated behind them.
        Assert.Equal(FlvContent.Frame, Read(Bits.Video(0, Bits.OtherSps, Bits.Pps, Bits.Idr), out frame, out _));
        Assert.Equal("avc1.f4000b", frame.Track.CodecName);
        Assert.Equal(Bits.Record(Bits.OtherSps, Bits.Pps), frame.Track.Configuration.ToArray());
        Assert.Equal(FlvContent.Nothing, Read(Bits.Configuration(Bits.Record(Bits.Sps, Bits.Pps)), out _, out _));
        Read(Bits.Video(0, Bits.OtherSps, Bits.Idr), out var next, out _);
        Assert.Same(frame.Track, next.Track);

        // Alone they are no frame; those that nobody can read end nothing.
        Assert.Equal(FlvContent.Nothing, Read(Bits.Video(0, Bits.Sps, Bits.Pps), out _, out _));
        Assert.Equal("avc1.f4000a", _video.Track!.CodecName);
        Assert.Equal(FlvContent.Dropped, Read(Bits.Video(0, [0x67, 0x64, 0, 1, 0xE8], Bits.Idr), out _, out var fault));
        Assert.Equal(FlvFault.BadConfiguration, fault);
        Assert.Equal(FlvContent.Frame, Read(Bits.Video(0, Bits.Idr), out frame, out _));
        Assert.Equal("avc1.f4000a", frame.Track.CodecName);
    }

    [Theory]
    [InlineData("", FlvContent.Nothing, FlvFault.None)]
    [InlineData("17", FlvContent.Dropped, FlvFault.CutShort)]
    [InlineData("17010000", FlvContent.Dropped, FlvFault.CutShort)]
    [InlineData("1702000000", FlvContent.Nothing, FlvFault.None)] // end of sequence
    [InlineData("5700", FlvContent.Nothing, FlvFault.None)] // a command to who seeks
    [InlineData("12010000", FlvContent.Dropped, FlvFault.UnknownCodec)] // H.263
    [InlineData("1C01000000", FlvContent.Dropped, FlvFault.UnknownCodec)] // HEVC by a number that is nobody's
    [InlineData("27010000000000000141", FlvContent.Dropped, FlvFault.NoConfiguration)]
    public void Other_bodies(string hex, FlvContent content, FlvFault fault)
    {
        Assert.Equal(content, Read(Convert.FromHexString(hex), out _, out var found));
        Assert.Equal(fault, found);
    }

    [Fact]
    public void Frames_allocate_nothing()
    {
        Read(Bits.Configuration(Bits.Record(Bits.Sps, Bits.Pps)), out _, out _);
        byte[][] bodies = [Bits.Video(0, Bits.Sps, Bits.Pps, Bits.Idr), Bits.Video(0, Bits.Slice), Bits.Configuration(Bits.Record(Bits.Sps, Bits.Pps))];
        foreach (byte[] body in bodies)
            Read(body, out _, out _);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 300; i++)
            _video.Read(bodies[i % 3], default, out _, out _);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private FlvContent Read(byte[] body, out Frame frame, out FlvFault fault) => _video.Read(body, default, out frame, out fault);
}
