using XLive.Media.Hls;
using static XLive.Media.Tests.SyntheticStream;

namespace XLive.Media.Tests.Hls;

public class SegmenterTests
{
    [Theory]
    [InlineData(25, 2, 4, 4, "4 4 4")]
    [InlineData(25, 1, 4, 4, "4 4 4")]
    [InlineData(25, 0.04, 4, 4, "3.92 3.92 3.92")]
    // the third would come at 6 s, or at 4.5
    [InlineData(25, 3, 4, 4, "3 3 3")]
    [InlineData(25, 1.52, 4, 4, "3.04 3.04 3.04")]
    // longer than wanted, and then the target
    [InlineData(25, 5, 4, 5, "5 5 5")]
    [InlineData(25, 5.2, 4, 6, "5.2 5.2 5.2")]
    [InlineData(25, 10, 4, 10, "10 10 10")]
    [InlineData(25, 2, 2.5, 3, "2 2 2")]
    [InlineData(25, 1, 1, 1, "1 1 1")]
    // RTMP's milliseconds: 2.002 s are told as 2.002, 4.004, 6.006, 8.008
    [InlineData(30_000 / 1001.0, 2.002, 4, 4, "4.004 4.004 4.004")]
    public void Segments_end_at_key_frames(double fps, double gop, double wanted, int target, string durations)
    {
        using var rig = new LiveRig(wanted);
        rig.Write(new SyntheticStream { Random = new Random(1), Fps = fps, Gop = gop, Seconds = 61 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.Equal(target, rig.Segmenter.TargetDuration);
        Assert.StartsWith(durations, rig.Durations, StringComparison.Ordinal);
        Assert.All(rig.Segments, s => Assert.True(s.IsIndependent && !s.IsDiscontinuity && s.Video is not null && s.Audio is not null));
        Assert.True(rig.Segmenter.IsIndependent);
        Assert.Equal(SegmenterWarnings.None, rig.Segmenter.Warnings);
        Assert.Equal(gop, rig.Segmenter.GopLength / 90_000.0, 2);
    }

    [Fact]
    public void Gop_beyond_the_longest_target_is_cut_from_the_beginning()
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Gop = 15, Seconds = 61 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.Equal(10, rig.Segmenter.TargetDuration);
        Assert.Equal("10.48 4.52 10.48 4.52 10.48 4.52 10.48 4.52", rig.Durations);
        Assert.Equal([true, false, true, false], rig.Segments.Take(4).Select(s => s.IsIndependent));
        Assert.Equal(SegmenterWarnings.LongGop, rig.Segmenter.Warnings);
        Assert.False(rig.Segmenter.IsIndependent);
    }

    [Fact]
    public void Gop_that_becomes_longer_is_cut_and_the_claim_goes()
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), GopAt = n => n < 6 ? 2 : 7, Seconds = 40 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.Equal(4, rig.Segmenter.TargetDuration);
        Assert.Equal("4 4 4 4.48 2.52 4.48 2.52 4.48 2.52 4.48", rig.Durations);
        Assert.False(rig.Segmenter.IsIndependent);
        Assert.Equal(SegmenterWarnings.LongGop, rig.Segmenter.Warnings);
        Assert.DoesNotContain("INDEPENDENT", System.Text.Encoding.ASCII.GetString(rig.Playlist.Current!.Media.Plain.Span), StringComparison.Ordinal);
        Assert.DoesNotContain("INDEPENDENT", System.Text.Encoding.ASCII.GetString(rig.Playlist.Current!.Multivariant.Plain.Span), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_kind_of_track_is_enough(bool hasVideo)
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), HasVideo = hasVideo, Audio = hasVideo ? null : Mp3, Seconds = 25 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.Equal(6, rig.Segments.Count);
        Assert.All(rig.Segments, s => Assert.InRange(s.Seconds, 3.97, 4.03));
        Assert.All(rig.Segments, s => Assert.Equal((hasVideo, !hasVideo, true), (s.Video is not null, s.Audio is not null, s.IsIndependent)));
    }

    [Fact]
    public void Audio_that_comes_late_is_in_the_first_segment()
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 13 }.Frames().Where(f => f.Track.IsVideo || f.Decoded.Seconds > 3));
        Assert.Empty(rig.Faults);
        Assert.Equal("4 4 4", rig.Durations);
        Assert.All(rig.Segments, s => Assert.True(s.Audio is not null && !s.IsDiscontinuity));
        Assert.Contains(rig.Packets[0], p => p.Pid == 0x101);
    }

    [Fact]
    public void Audio_that_comes_later_still_is_a_discontinuity()
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 21 }.Frames().Where(f => f.Track.IsVideo || f.Decoded.Seconds > 5));
        Assert.Empty(rig.Faults);
        Assert.Equal("4 2 4 4 4", rig.Durations);
        Assert.Equal([false, false, true, false, false], rig.Segments.Select(s => s.IsDiscontinuity));
        Assert.Equal([false, false, true, true, true], rig.Segments.Select(s => s.Audio is not null));
        Assert.Equal(SegmenterWarnings.TracksChanged, rig.Segmenter.Warnings);
    }

    [Fact]
    public void Video_that_follows_soon_begins_the_stream()
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 9 }.Frames().Where(f => !f.Track.IsVideo || f.Decoded.Seconds >= 0.6));
        // Its next key frame is the one at 2 s.
        Assert.Empty(rig.Faults);
        Assert.Equal("4", rig.Durations);
        Assert.Equal(2, rig.Segments[0].Start.Seconds);
        Assert.True(rig.Segments[0] is { Video: not null, Audio: not null, IsIndependent: true });
    }

    [Fact]
    public void Video_that_follows_late_is_a_discontinuity()
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 20 }.Frames().Where(f => !f.Track.IsVideo || f.Decoded.Seconds >= 5.5));
        Assert.Empty(rig.Faults);
        Assert.Equal([false, false, true], rig.Segments.Select(s => s.Video is not null || s.IsDiscontinuity).Take(3));
        Assert.Equal(6, rig.Segments.First(s => s.Video is not null).Start.Seconds);
        Assert.True(rig.Segments.First(s => s.Video is not null).IsDiscontinuity);
    }

    [Fact]
    public void Video_that_stalls_while_audio_goes_on_is_cut_and_then_left_out()
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 33 }.Frames().Where(f => !f.Track.IsVideo || f.Decoded.Seconds is < 5 or > 23));
        Assert.Empty(rig.Faults);
        // With video, then until the limit without, then one whole without, then audio alone until video is there again.
        Assert.True(rig.Segments[0] is { IsIndependent: true, Video: not null });
        Assert.Contains(rig.Segments, s => s.Video is null && s.IsDiscontinuity);
        Assert.Contains(rig.Segments, s => s.Video is not null && s.Start.Seconds == 24 && s is { IsDiscontinuity: true, IsIndependent: true });
        Assert.InRange(rig.Segments[^1].End - rig.Segments[0].Start - rig.Segments.Sum(s => s.Duration), 0, 40 * 90);
    }

    [Fact]
    public void Other_parameter_sets_are_a_discontinuity_and_the_same_again_are_not()
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 6 }.Frames());
        var again = new Track { Kind = Video.Kind, Codec = Video.Codec, CodecName = Video.CodecName, Configuration = Video.Configuration.ToArray(), Width = Video.Width, Height = Video.Height };
        rig.Write(new SyntheticStream { Random = new Random(1), VideoTrack = again, From = 6, Seconds = 4 }.Frames());
        rig.Write(new SyntheticStream { Random = new Random(1), VideoTrack = OtherVideo, From = 10, Seconds = 6 }.Frames());
        rig.Write(new SyntheticStream { Random = new Random(1), VideoTrack = OtherVideo, Audio = OtherAac, From = 16, Seconds = 9 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.Equal("4 4 2 4 4 4", rig.Durations);
        Assert.Equal([false, false, false, true, false, true], rig.Segments.Select(s => s.IsDiscontinuity));
        Assert.Equal([Video, Video, Video, OtherVideo, OtherVideo, OtherVideo], rig.Segments.Select(s => s.Video));
    }

    [Theory]
    [InlineData(5_000)]
    [InlineData(-3)]
    [InlineData(10.1)]
    public void Times_that_jump_are_a_discontinuity(double by)
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), From = 100, Seconds = 10 }.Frames());
        rig.Write(new SyntheticStream { Random = new Random(1), From = 110 + by, Seconds = 9 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.Equal([4, 4, 2, 4, 4], rig.Segments.Select(s => Math.Round(s.Seconds, 1)));
        Assert.Equal([false, false, true, false], rig.Segments.Skip(1).Select(s => s.IsDiscontinuity));
        Assert.Equal(SegmenterWarnings.TimeJump, rig.Segmenter.Warnings);
    }

    [Fact]
    public void Hole_in_time_ends_the_segment_where_the_media_ended()
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 6 }.Frames());
        rig.Write(new SyntheticStream { Random = new Random(1), From = 12, Seconds = 9 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.Equal([4, 2, 4, 4], rig.Segments.Select(s => Math.Round(s.Seconds, 1)));
        Assert.Equal([false, false, true, false], rig.Segments.Select(s => s.IsDiscontinuity));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Clocks_that_come_apart_do_not_hold_the_stream_up(bool isAudioAway)
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 30 }.Frames()
            .Select(f => f.Decoded.Seconds > 10 && f.Track.IsVideo != isAudioAway ? new Frame(f.Track, f.Decoded + (1000 * 90_000), f.CompositionOffset, f.Flags, f.Payload) : f));
        Assert.Empty(rig.Faults);
        Assert.True(rig.Segments.Count(s => s.IsDiscontinuity) <= 1, rig.Durations);
        Assert.InRange(rig.Segments.Sum(s => s.Seconds), 24, 30);
        Assert.True((rig.Segmenter.Warnings & SegmenterWarnings.ClocksApart) != 0);
        // Audio is in the last segments, at the time of the video.
        var (video, audio) = (rig.Packets[^1].First(p => p.Pid == 0x100), rig.Packets[^1].First(p => p.Pid == 0x101));
        Assert.InRange(audio.Decoded - video.Decoded, -180_000, 180_000);
    }

    [Fact]
    public void Publisher_who_comes_back_goes_on_with_a_discontinuity()
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 10 }.Frames()).Break(awaySeconds: 7);
        rig.Write(new SyntheticStream { Random = new Random(2), Audio = Mp3, Seconds = 9 }.Frames()).Break();
        Assert.Empty(rig.Faults);
        Assert.Equal([4, 4, 2, 4, 4, 1], rig.Segments.Select(s => Math.Round(s.Seconds, 1)));
        Assert.Equal([false, false, false, true, false, false], rig.Segments.Select(s => s.IsDiscontinuity));
        Assert.InRange((rig.Segments[3].ProgramDateTime - rig.Segments[2].ProgramDateTime).TotalSeconds, 8.5, 9.5);
    }

    [Fact]
    public void Pictures_without_a_key_frame_are_not_waited_for_without_end()
    {
        using var rig = new LiveRig();
        // Refreshed slice by slice: no other key frame ever comes, and this viewer of ours came after it.
        rig.Write(new SyntheticStream { Random = new Random(1), Gop = 1_000, Seconds = 40 }.Frames().Where(f => !f.Track.IsVideo || f.Decoded.Seconds > 1));
        Assert.Empty(rig.Faults);
        Assert.Contains(rig.Segments, s => s.Video is not null && !s.IsIndependent);
        Assert.False(rig.Segmenter.IsIndependent);
    }

    [Fact]
    public void Frame_with_a_lying_length_begins_no_segment()
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 11 }.Frames()
            .Select(f => f.Track.IsVideo && f.Decoded.Seconds is 0 or 6 ? new Frame(f.Track, f.Decoded, 0, f.Flags, new byte[] { 0, 0, 1, 0, 0x65 }) : f));
        Assert.Empty(rig.Faults);
        Assert.Equal(2, rig.Segmenter.Refused);
        Assert.Equal(2, rig.Segments[0].Start.Seconds);
        Assert.All(rig.Segments, s => Assert.True(s.IsIndependent));
    }

    [Fact]
    public void Audio_that_is_ahead_when_all_ends_does_not_make_a_segment_too_long()
    {
        using var rig = new LiveRig(segmentSeconds: 2);
        rig.Write(new SyntheticStream { Random = new Random(1), GopAt = n => n < 2 ? 2 : 10, Seconds = 6.2 }.Frames()
            .Select(f => f.Track.IsVideo ? f : new Frame(f.Track, f.Decoded + 81_000, 0, f.Flags, f.Payload))).Break();
        Assert.Empty(rig.Faults);
        Assert.Equal("2 2 2.49", rig.Durations);
    }

    [Fact]
    public void Tracks_that_change_with_every_frame_make_no_segments()
    {
        using var rig = new LiveRig();
        var frames = new SyntheticStream { Random = new Random(1), Gop = 0.04, Seconds = 20, Audio = null }.Frames();
        rig.Write(frames.Select((f, i) => new Frame(i % 2 == 0 ? Video : OtherVideo, f.Decoded, 0, f.Flags, f.Payload)));
        Assert.Empty(rig.Segments);
        rig.Write(new SyntheticStream { Random = new Random(1), From = 20, Seconds = 9 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.Equal("4 4", rig.Durations);
    }

    [Fact]
    public void Segment_beyond_its_bound_is_never_given_out()
    {
        using var rig = new LiveRig(mostSegmentBytes: 300_000);
        rig.Write(new SyntheticStream { Random = new Random(1), VideoBytes = 500, Seconds = 6 }.Frames());
        Assert.Single(rig.Segments);
        Assert.False(rig.Segmenter.IsOverfull);
        rig.Write(new SyntheticStream { Random = new Random(1), VideoBytes = 50_000, From = 6, Seconds = 10 }.Frames()).Break();
        Assert.True(rig.Segmenter.IsOverfull);
        Assert.Single(rig.Segments);
    }
}
