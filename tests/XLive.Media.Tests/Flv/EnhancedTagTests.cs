using XLive.Media.Flv;
using XLive.Media.Tests.Codecs;

namespace XLive.Media.Tests.Flv;

/// <summary>Heads of enhanced tags as Enhanced RTMP v2 allows them, around one HEVC picture and one Opus packet.</summary>
public class EnhancedTagTests
{
    private const string Configure = "9068766331" + HevcConfiguration;
    private const string HevcConfiguration = HevcConfigurationTests.Main;
    private const string Picture = "00000004" + "2601af13";
    private const string OpusHead = "4f707573486561640102380180bb0000000000";

    private readonly FlvDemuxer _demuxer = new(default);

    [Theory]
    [InlineData("9168766331" + "000050" + Picture, 80)]
    [InlineData("9168766331" + "ffffb0" + Picture, -80)]
    [InlineData("a168766331" + "000050" + Picture, 80)] // whatever it says of itself, the picture is a key
    [InlineData("9368766331" + Picture, 0)]
    [InlineData("960168766331" + "00" + "000050" + Picture, 80)] // one track, and it is the first
    [InlineData("961168766331" + "00" + "00000b" + "000050" + Picture + "01" + "000002" + "aaaa", 80)]
    [InlineData("961368766331" + "05" + "000001" + "aa" + "00" + "000008" + Picture, 0)] // which is not the first in the message
    [InlineData("9621" + "61763031" + "01" + "000002" + "aaaa" + "68766331" + "00" + "00000b" + "000050" + Picture, 80)]
    [InlineData("97" + "02" + "0f423f" + "03" + "68766331" + Picture, 0)] // 999,999 ns
    [InlineData("97" + "00" + "aa" + "17" + "02" + "000001" + "01" + "68766331" + "000000" + Picture, 0)] // two modifiers, one that nobody knows
    [InlineData("97" + "02" + "000001" + "06" + "03" + "68766331" + "00" + Picture, 0)] // before several tracks
    public void A_picture(string hex, int offset)
    {
        Assert.Equal(FlvContent.Track, Read(TrackKind.Video, Configure, 0, out _));
        Assert.Equal(FlvContent.Frame, Read(TrackKind.Video, hex, 40, out var frame));
        Assert.Equal((Picture, offset * 90, FrameFlags.Key), (Convert.ToHexStringLower(frame.Payload.Span), frame.CompositionOffset, frame.Flags));
    }

    [Theory]
    [InlineData("", FlvFault.None)]
    [InlineData("d468766331" + "02", FlvFault.None)] // colours
    [InlineData("9268766331", FlvFault.None)] // the end
    [InlineData("d168766331" + "00", FlvFault.None)] // a command
    [InlineData("9068766331" + HevcConfiguration, FlvFault.None)] // once more
    [InlineData("960168766331" + "01" + "000050" + Picture, FlvFault.None)] // another track
    [InlineData("961068766331", FlvFault.None)] // none
    [InlineData("9368766331", FlvFault.None)] // nothing in it
    [InlineData("9068766331", FlvFault.BadConfiguration)]
    [InlineData("9068766331" + "01", FlvFault.BadConfiguration)]
    [InlineData("91687663", FlvFault.CutShort)]
    [InlineData("9168766331" + "0000", FlvFault.CutShort)]
    [InlineData("97", FlvFault.CutShort)]
    [InlineData("97" + "02" + "0f423f", FlvFault.CutShort)]
    [InlineData("97" + "ff" + "0100" + "aa" + "03" + "68766331" + Picture, FlvFault.CutShort)]
    [InlineData("97" + "02" + "0f423f" + "07" + "00", FlvFault.CutShort)]
    [InlineData("96", FlvFault.CutShort)]
    [InlineData("9601687663", FlvFault.CutShort)]
    [InlineData("9621687663", FlvFault.CutShort)]
    [InlineData("961168766331" + "00" + "00000c" + "000050" + Picture, FlvFault.CutShort)] // a size that lies
    [InlineData("961168766331" + "00" + "0000", FlvFault.CutShort)]
    [InlineData("9631" + "68766331" + "00" + Picture, FlvFault.CutShort)] // a fourth way to have several
    [InlineData("9606" + "68766331" + "00" + Picture, FlvFault.CutShort)] // several of several
    [InlineData("9607" + "68766331" + "00" + Picture, FlvFault.CutShort)]
    [InlineData("9568766331" + "aa", FlvFault.UnknownPacket)]
    [InlineData("9868766331" + "aa", FlvFault.UnknownPacket)]
    [InlineData("9176703038" + Picture, FlvFault.UnknownCodec)]
    [InlineData("9176703039" + Picture, FlvFault.NoConfiguration)]
    [InlineData("9161763031" + Picture, FlvFault.NoConfiguration)]
    [InlineData("9361766331" + Picture, FlvFault.NoConfiguration)]
    [InlineData("9368766331" + "00000005" + "2601af13", FlvFault.BadNalLength)]
    public void No_picture(string hex, FlvFault fault)
    {
        Read(TrackKind.Video, Configure, 0, out _);
        var before = _demuxer.Dropped;
        Assert.Equal(fault == FlvFault.None ? FlvContent.Nothing : FlvContent.Dropped, Read(TrackKind.Video, hex, 40, out _));
        Assert.Equal(fault == FlvFault.None ? before : before + 1, _demuxer.Dropped);
        Assert.Equal(fault == FlvFault.None ? 0 : 1, _demuxer.DroppedFor(fault));
        // And the stream goes on as if it had not been.
        Assert.Equal(FlvContent.Frame, Read(TrackKind.Video, "9368766331" + Picture, 80, out var frame));
        Assert.Equal("hvc1.1.6.L60.90", frame.Track.CodecName);
    }

    [Theory]
    [InlineData("9568766331" + "aa", "hvc1 configured by MPEG-2 TS descriptors (MPEG2TSSequenceStart)")]
    [InlineData("9076766331", "video as vvc1 (VVC)")]
    [InlineData("9000ff4142", "video as ??AB")]
    public void What_cannot_be_carried_is_named(string hex, string words)
    {
        Assert.Equal(FlvContent.Dropped, Read(TrackKind.Video, hex, 0, out _));
        Assert.Equal(words, _demuxer.FaultText);
    }

    [Theory]
    [InlineData("904f707573" + OpusHead, "914f707573" + "f8aabb", "Opus f8aabb")]
    [InlineData("904f707573", "914f707573" + "f8aabb", "Opus f8aabb")] // stereo, says nobody
    [InlineData("906d703461" + "1190", "916d703461" + "2110", "mp4a.40.2 2110")]
    [InlineData("906d703461" + "1190", "af01" + "2110", "mp4a.40.2 2110")] // both names of AAC are one codec
    [InlineData("af00" + "1190", "95016d703461" + "00" + "2110", "mp4a.40.2 2110")]
    [InlineData("902e6d7033", "912e6d7033" + "fffb9464aa", "mp4a.40.34 fffb9464aa")]
    public void A_sound(string configuration, string hex, string expected)
    {
        Read(TrackKind.Audio, configuration, 0, out _);
        Assert.Equal(FlvContent.Frame, Read(TrackKind.Audio, hex, 20, out var frame));
        Assert.Equal(expected, frame.Track.CodecName + " " + Convert.ToHexStringLower(frame.Payload.Span));
    }

    [Theory]
    [InlineData("944f707573" + "0102" + "00000003", FlvFault.None)] // where the channels are to be heard
    [InlineData("924f707573", FlvFault.None)]
    [InlineData("914f707573", FlvFault.None)] // silence
    [InlineData("95014f707573" + "01" + "f8aabb", FlvFault.None)]
    [InlineData("914f707573" + "fb", FlvFault.BadFrame)] // as many frames as it does not say
    [InlineData("904f707573" + "4f", FlvFault.BadConfiguration)]
    [InlineData("914f7075", FlvFault.CutShort)]
    [InlineData("934f707573" + "f8aabb", FlvFault.UnknownPacket)]
    [InlineData("91664c6143" + "fff85a8800374e", FlvFault.NoConfiguration)]
    [InlineData("9161632d33" + "0b77", FlvFault.BadConfiguration)]
    [InlineData("9173706578" + "aa", FlvFault.UnknownCodec)]
    public void No_sound(string hex, FlvFault fault)
    {
        Read(TrackKind.Audio, "904f707573" + OpusHead, 0, out _);
        Assert.Equal(fault == FlvFault.None ? FlvContent.Nothing : FlvContent.Dropped, Read(TrackKind.Audio, hex, 20, out _));
        Assert.Equal(fault == FlvFault.None ? 0 : 1, _demuxer.DroppedFor(fault));
        Assert.Equal(FlvContent.Frame, Read(TrackKind.Audio, "914f707573" + "f8", 40, out _));
    }

    [Fact]
    public void Nanoseconds_make_the_time_finer_and_it_never_falls()
    {
        Read(TrackKind.Video, Configure, 0, out _);
        Assert.Equal(0, At(1_000, 0));
        Assert.Equal((40 * 90) + 89, At(1_040, 999_999));
        // Less than before by a part of a millisecond: it stays.
        Assert.Equal((40 * 90) + 89, At(1_040, 500_000));
        Assert.Equal((41 * 90) + 45, At(1_041, 500_000));

        long At(uint time, int nanoseconds)
        {
            Assert.Equal(FlvContent.Frame, Read(TrackKind.Video, $"9702{nanoseconds:x6}0368766331" + Picture, time, out var frame));
            return frame.Decoded.Ticks;
        }
    }

    [Fact]
    public void Parameter_sets_of_HEVC_within_frames_are_the_tracks()
    {
        Read(TrackKind.Video, Configure, 0, out _);
        var track = _demuxer.Video;
        // The same picture parameter set, then one of another id.
        Assert.Equal(FlvContent.Frame, Read(TrackKind.Video, "9368766331" + "00000006" + "4401c073c189" + Picture, 40, out var frame));
        Assert.Equal(Picture, Convert.ToHexStringLower(frame.Payload.Span));
        Assert.Same(track, frame.Track);
        Assert.Equal(FlvContent.Frame, Read(TrackKind.Video, "9368766331" + "00000006" + "44014073c189" + Picture, 80, out frame));
        Assert.NotSame(track, frame.Track);
        Assert.Equal(track!.Configuration.Length + 8, frame.Track.Configuration.Length);
        Assert.Same(_demuxer.Video, frame.Track);
    }

    [Fact]
    public void AV1_may_leave_its_sequence_header_to_the_first_key_frame()
    {
        const string sequence = "0a0b000000043cfeccdaf90040";
        Assert.Equal(FlvContent.Nothing, Read(TrackKind.Video, "9061763031" + "81000c00", 0, out _));
        Assert.Equal(FlvContent.Dropped, Read(TrackKind.Video, "9161763031" + "3203" + "30aabb", 0, out _));
        // With a delimiter and padding, which are not kept.
        Assert.Equal(FlvContent.Frame, Read(TrackKind.Video, "9161763031" + "1200" + sequence + "7a01ff" + "3203" + "10aabb", 40, out var frame));
        Assert.Equal((sequence + "3203" + "10aabb", true, 320), (Convert.ToHexStringLower(frame.Payload.Span), frame.IsKey, frame.Track.Width));
        Assert.Equal(FlvContent.Frame, Read(TrackKind.Video, "9161763031" + "3203" + "30aabb", 80, out frame));
        Assert.False(frame.IsKey);
        // An OBU of nothing but a delimiter is no picture; one that ends behind the message is a fault.
        Assert.Equal(FlvContent.Nothing, Read(TrackKind.Video, "9161763031" + "1200", 120, out _));
        Assert.Equal(FlvContent.Dropped, Read(TrackKind.Video, "9161763031" + "3204" + "10aabb", 120, out _));
        Assert.Equal(1, _demuxer.DroppedFor(FlvFault.BadNalLength));
    }

    [Fact]
    public void Frames_allocate_nothing()
    {
        byte[][] bodies = [.. new[] { Configure, "91687663310000" + "50" + Picture, "9702" + "0f423f" + "0368766331" + Picture, "9368766331" + "00000006" + "4401c073c189" + Picture }.Select(Convert.FromHexString)];
        foreach (var body in bodies)
            _demuxer.Read(TrackKind.Video, 0, body, out _, out _);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 400; i++)
            _demuxer.Read(TrackKind.Video, 0, bodies[i % 4], out _, out _);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private FlvContent Read(TrackKind kind, string hex, uint time, out Frame frame) => _demuxer.Read(kind, time, Convert.FromHexString(hex), out frame, out _);
}
