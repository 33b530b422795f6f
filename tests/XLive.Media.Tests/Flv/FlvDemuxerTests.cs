using XLive.Media.Flv;
using XLive.Media.Rtmp;
using XLive.Media.Tests.Rtmp;

namespace XLive.Media.Tests.Flv;

public class FlvDemuxerTests
{
    private readonly FlvDemuxer _demuxer = new(Timestamp.FromMilliseconds(1000));

    [Fact]
    public void Both_tracks_in_one_time_and_a_configuration_has_none()
    {
        byte[] configuration = Bits.Configuration(Bits.Record(Bits.Sps, Bits.Pps));
        Assert.Equal(FlvContent.Dropped, Read(TrackKind.Video, 0, Bits.Video(0, Bits.Idr)));
        Assert.Equal(FlvContent.Track, Read(TrackKind.Video, 0, configuration));
        Assert.Equal(FlvContent.Track, Read(TrackKind.Audio, 0, [0xAF, 0, 0x12, 0x10]));
        Assert.Equal("1000 key", Frame(TrackKind.Video, 90_000, Bits.Video(0, Bits.Idr)));
        Assert.Equal("1010 key", Frame(TrackKind.Audio, 90_010, [0xAF, 1, 1]));
        // Repeated, and with the time 0: DJI, and encoders that keep it from the beginning.
        Assert.Equal(FlvContent.Nothing, Read(TrackKind.Video, 0, configuration));
        Assert.Equal("1040", Frame(TrackKind.Video, 90_040, Bits.Video(0, Bits.Slice)));
        Assert.Equal("1040", Frame(TrackKind.Video, 90_030, Bits.Video(0, Bits.Slice)));
        Assert.Equal("1080!", Frame(TrackKind.Video, 5, Bits.Video(0, Bits.Slice)));
        Assert.Equal(1080, _demuxer.Time.Milliseconds);
        Assert.Equal((1, 1, 1), (_demuxer.Held, _demuxer.Discontinuities, _demuxer.DroppedFor(FlvFault.NoConfiguration)));
        Assert.Equal("video before its configuration", _demuxer.FaultText);
    }

    [Theory]
    [InlineData("ffmpeg-5.1", 10, 17)]
    [InlineData("rtmp2sink-1.22", 10, 17)]
    [InlineData("librtmp-2.4", 10, 78)]
    public void What_programs_sent_becomes_frames_without_a_fault(string capture, int pictures, int sounds)
    {
        var session = new RtmpServerSession(new Random(1));
        ReadOnlyMemory<byte> rest = Wire.Capture(capture);
        int video = 0, audio = 0, keys = 0;
        while (session.Read(rest, 0, out int consumed, out var occurred))
        {
            rest = rest[consumed..];
            if (session.IsWaiting)
                session.Accept();
            if (occurred.Kind is not (RtmpEventKind.Audio or RtmpEventKind.Video))
                continue;
            var kind = occurred.Kind == RtmpEventKind.Video ? TrackKind.Video : TrackKind.Audio;
            if (_demuxer.Read(kind, occurred.Message.Timestamp, occurred.Message.Payload, out var frame, out bool discontinuity) != FlvContent.Frame)
                continue;
            Assert.False(discontinuity);
            video += kind == TrackKind.Video ? 1 : 0;
            audio += kind == TrackKind.Audio ? 1 : 0;
            keys += kind == TrackKind.Video && frame.IsKey ? 1 : 0;
        }
        Assert.Equal((pictures, sounds, 2), (video, audio, keys));
        Assert.Equal(0, _demuxer.Dropped);
        Assert.Equal((64, 48), (_demuxer.Video!.Width, _demuxer.Video.Height));
        Assert.InRange(_demuxer.Time.Seconds, 2.7, 3.2);
    }

    private FlvContent Read(TrackKind kind, uint timestamp, byte[] body) => _demuxer.Read(kind, timestamp, body, out _, out _);

    private string Frame(TrackKind kind, uint timestamp, byte[] body)
    {
        Assert.Equal(FlvContent.Frame, _demuxer.Read(kind, timestamp, body, out var frame, out bool discontinuity));
        return frame.Decoded.Milliseconds + (frame.IsKey ? " key" : "") + (discontinuity ? "!" : "");
    }
}
