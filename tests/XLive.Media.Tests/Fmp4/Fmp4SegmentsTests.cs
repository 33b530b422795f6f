using XLive.Media.Codecs;
using XLive.Media.Fmp4;
using XLive.Media.Hls;
using XLive.Media.Tests.Codecs;
using static XLive.Media.Tests.SyntheticStream;

namespace XLive.Media.Tests.Fmp4;

public class Fmp4SegmentsTests
{
    // As in the transport stream, times begin at ten seconds.
    private const long Origin = 900_000;

    [Theory]
    [InlineData(25, 0, 2, 0.2, 18_000)]
    [InlineData(30, 2, 2, 0.2, 18_000)]
    [InlineData(30_000 / 1001.0, 3, 2.002, 0.333, 30_030)]
    [InlineData(60, 0, 1, 0.2, 18_000)]
    [InlineData(25, 0, 2, 0.5, 43_200)]
    [InlineData(50, 2, 3, 1, 90_000)]
    public void Every_frame_comes_out_in_parts_of_the_target(double fps, int bFrames, double gop, double part, long target)
    {
        var random = AvcConfigurationTests.Seeded(out var seed);
        using var rig = new CmafRig(partSeconds: part);
        var frames = new SyntheticStream { Random = random, Fps = fps, BFrames = bFrames, Gop = gop, Audio = OtherAac, From = 3, Seconds = 20 }.Frames();
        rig.Write(frames).Break();
        Assert.True(!rig.Faults.Any(), seed + "\n" + string.Join('\n', rig.Faults.Take(10)));
        Assert.InRange(rig.Writer.PartTargetSeconds * 90_000, target + 179.5, target + 180.5);
        Assert.Equal(rig.Transport.Count, rig.Of(TrackKind.Video).Count);
        Assert.Equal(rig.Transport.Count, rig.Of(TrackKind.Audio).Count);
        Assert.Equal(0, rig.Video.Holes + rig.Audio.Holes);

        var video = frames.Where(f => f.Track.IsVideo).ToList();
        Assert.Equal(video.Count, rig.Video.Samples.Count);
        for (var i = 0; i < video.Count; i++)
        {
            var sample = rig.Video.Samples[i];
            // A part whose last picture lasted less than any before it: the next is decoded, and shown, that much later.
            Assert.InRange(sample.Decoded + sample.Offset - video[i].Shown.Ticks - Origin, 0, Timestamp.PerMillisecond);
            Assert.Equal(video[i].IsKey, sample.IsKey);
            // The first of a part is decoded where what was told of the last one ended.
            Assert.InRange(video[i].Decoded.Ticks + Origin - sample.Decoded, -Timestamp.PerMillisecond, 2 * Timestamp.PerMillisecond);
            Assert.True(WithoutDelimiter(video[i]).AsSpan().SequenceEqual(sample.Data), seed);
        }
        var audio = frames.Where(f => !f.Track.IsVideo).ToList();
        Assert.Equal(audio.Count, rig.Audio.Samples.Count);
        for (var i = 0; i < audio.Count; i++)
        {
            Assert.True(audio[i].Payload.Span.SequenceEqual(rig.Audio.Samples[i].Data), seed);
            // Milliseconds of RTMP, on the clock of the samples.
            Assert.InRange(rig.Audio.Samples[i].Decoded / 44_100.0 - 10 - audio[i].Decoded.Seconds, -0.0011, 0.0011);
        }
        // Whole numbers of frames, and of the video's segments as long as the transport stream's.
        Assert.All(rig.Of(TrackKind.Video).SkipLast(1).Zip(rig.Transport), s =>
        {
            Assert.InRange(s.Second.End.Ticks + Origin - s.First.Start - s.First.Duration, -Timestamp.PerMillisecond, 2 * Timestamp.PerMillisecond);
            Assert.InRange(s.Second.Start.Ticks + Origin - s.First.Start, -Timestamp.PerMillisecond, 2 * Timestamp.PerMillisecond);
            Assert.Equal(s.Second.IsIndependent, s.First.IsIndependent);
        });
    }

    [Fact]
    public void Sound_is_in_the_segment_of_its_picture()
    {
        using var rig = new CmafRig();
        // Comes 70 ms before its picture, as from many encoders.
        var frames = new SyntheticStream { Random = new Random(1), Seconds = 20 }.Frames();
        rig.Write(frames.OrderBy(f => f.Decoded.Ticks - (f.Track.IsVideo ? 0 : 6_300)));
        Assert.Empty(rig.Faults);
        // To the frame, unless a part was given out by then.
        var second = (Video: rig.Of(TrackKind.Video)[1], Audio: rig.Of(TrackKind.Audio)[1]);
        Assert.InRange((second.Audio.Start / 48_000.0) - (second.Video.Start / 90_000.0), -0.001, 0.022);
        foreach (var (video, audio) in rig.Of(TrackKind.Video).Zip(rig.Of(TrackKind.Audio)))
        {
            Assert.InRange((audio.Start / 48_000.0) - (video.Start / 90_000.0), -0.001, 0.2);
            Assert.InRange((audio.ProgramDateTime - video.ProgramDateTime).TotalSeconds - ((audio.Start / 48_000.0) - (video.Start / 90_000.0)), -0.001, 0.001);
        }
    }

    [Fact]
    public void Nothing_is_given_out_before_the_first_segment_is_whole()
    {
        using var rig = new CmafRig();
        var frames = new SyntheticStream { Random = new Random(1), Seconds = 3.5 }.Frames();
        foreach (var frame in frames)
        {
            rig.Write([frame]);
            Assert.Equal(frame.Decoded.Seconds >= 2, rig.Told.Count > 0);
        }
        Assert.InRange(rig.Parts.Count(p => p.Segment.Kind == TrackKind.Video), 10 + 7, 10 + 7);
        Assert.True(rig.Writer.IsSeen);
    }

    [Theory]
    [InlineData(25)]
    [InlineData(30)]
    [InlineData(30000.0 / 1001)]
    [InlineData(60)]
    public void A_part_is_given_out_with_its_last_picture_and_not_with_the_one_after(double fps)
    {
        using var rig = new CmafRig();
        var (late, parts) = (0, 0);
        foreach (var frame in new SyntheticStream { Random = new Random(1), Fps = fps, Seconds = 20 }.Frames())
        {
            var before = rig.Parts.Count;
            rig.Write([frame]);
            foreach (var part in rig.Parts.Skip(before).Where(p => p.Segment.Kind == TrackKind.Video && p.Segment.Start > 10 * 90_000L + (2 * 90_000)))
            {
                parts++;
                // At a segment's end the last may have to wait for the key frame that ends it.
                late += frame.Decoded.Ticks + Origin >= EndOf(rig, part) ? 1 : 0;
            }
        }
        rig.Break();
        Assert.Empty(rig.Faults);
        Assert.InRange(parts, 80, 95);
        Assert.InRange(late, 0, parts / 10);
    }

    [Theory]
    [InlineData(66)]
    [InlineData(300)]
    [InlineData(1000)]
    public void A_source_that_stands_still_tears_no_hole_wherever_it_does(int milliseconds)
    {
        for (var at = 140; at < 160; at++)
        {
            using var rig = new CmafRig(isRegular: false);
            var frames = new SyntheticStream { Random = new Random(1), Fps = 30, Audio = null, Seconds = 12 }.Frames();
            for (var i = at; i < frames.Count; i++)
                frames[i] = new Frame(frames[i].Track, frames[i].Decoded + (milliseconds * Timestamp.PerMillisecond), frames[i].CompositionOffset, frames[i].Flags, frames[i].Payload);
            rig.Write(frames).Break();
            Assert.Empty(rig.Faults);
            // So long that the segment ends with it: the next has no room for what was not shown.
            Assert.InRange(rig.Video.Holes, 0, milliseconds < 1000 ? 0 : 1);
            for (var i = 0; i < frames.Count; i++)
            {
                var (sample, shown) = (rig.Video.Samples[i], frames[i].Shown.Ticks + Origin);
                // The one that came late may be seen early, and stays.
                Assert.True(sample.Decoded + sample.Offset == shown || (i == at && sample.Decoded + sample.Offset is var early && early < shown && early >= shown - ((milliseconds + 2) * Timestamp.PerMillisecond)), $"{at}: {i}, {sample.Decoded}+{sample.Offset}, {shown}");
            }
        }
    }

    private static long EndOf(CmafRig rig, CmafPart part) =>
        part.Segment.Start + rig.Parts.Where(p => ReferenceEquals(p.Segment, part.Segment) && p.Number <= part.Number).Sum(static p => p.Duration);

    [Fact]
    public void After_a_break_parts_are_held_back_for_a_second()
    {
        using var rig = new CmafRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 4.5 }.Frames()).Break();
        var (told, initialization) = (rig.Told.Count, rig.Of(TrackKind.Video)[^1].Initialization);
        foreach (var frame in new SyntheticStream { Random = new Random(2), From = 60, Seconds = 3 }.Frames())
        {
            rig.Write([frame]);
            Assert.Equal(frame.Decoded.Seconds >= 61, rig.Told.Count > told);
        }
        rig.Break();
        Assert.Empty(rig.Faults);
        Assert.Equal([false, false, false, true, false], rig.Of(TrackKind.Video).Select(s => s.IsDiscontinuity));
        Assert.Equal([false, false, false, true, false], rig.Of(TrackKind.Audio).Select(s => s.IsDiscontinuity));
        // The same parameters: the same EXT-X-MAP.
        Assert.All(rig.Of(TrackKind.Video), s => Assert.Same(initialization, s.Initialization));
    }

    [Fact]
    public void Other_parameter_sets_are_another_initialization_and_the_same_again_are_not()
    {
        using var rig = new CmafRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 4 }.Frames());
        var again = new Track { Kind = Video.Kind, Codec = Video.Codec, CodecName = Video.CodecName, Configuration = Video.Configuration.ToArray(), Width = Video.Width, Height = Video.Height };
        rig.Write(new SyntheticStream { Random = new Random(1), VideoTrack = again, From = 4, Seconds = 4 }.Frames());
        rig.Write(new SyntheticStream { Random = new Random(1), VideoTrack = OtherVideo, From = 8, Seconds = 4 }.Frames());
        rig.Write(new SyntheticStream { Random = new Random(1), VideoTrack = OtherVideo, Audio = OtherAac, From = 12, Seconds = 4 }.Frames()).Break();
        Assert.Empty(rig.Faults);
        var (video, audio) = (rig.Of(TrackKind.Video), rig.Of(TrackKind.Audio));
        Assert.Equal([Video.CodecName, OtherVideo.CodecName], video.Select(s => s.Initialization).Distinct().Select(i => i.CodecName));
        Assert.Equal([48_000, 44_100], audio.Select(s => s.Initialization).Distinct().Select(i => i.TimeScale));
        Assert.Equal(2, video.Count(s => s.IsDiscontinuity));
        Assert.All(video.Zip(video.Skip(1)), s => Assert.True(ReferenceEquals(s.First.Initialization, s.Second.Initialization) || s.Second.IsDiscontinuity));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_kind_of_track_is_enough(bool hasVideo)
    {
        using var rig = new CmafRig();
        rig.Write(new SyntheticStream { Random = new Random(1), HasVideo = hasVideo, Audio = hasVideo ? null : OtherAac, Seconds = 15 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.InRange(rig.Segments.Count, 6, 7);
        Assert.All(rig.Segments, s => Assert.Equal(hasVideo, s.Kind == TrackKind.Video));
        Assert.All(rig.Segments, s => Assert.InRange(s.Seconds, 1.97, 2.03));
        Assert.InRange(rig.Writer.PartTargetSeconds, 0.185, 0.21);
    }

    [Fact]
    public void Mp3_is_refused_and_the_picture_goes_on_without_it()
    {
        using var rig = new CmafRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Audio = Mp3, Seconds = 9 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.Equal(4, rig.Of(TrackKind.Video).Count);
        Assert.Empty(rig.Of(TrackKind.Audio));
        Assert.Equal(SegmenterWarnings.TrackRefused, rig.Segmenter.Warnings);
        Assert.Contains("Mp3", rig.Writer.Fault, StringComparison.Ordinal);
        Assert.False(Initialization.TryMake(Mp3, out _, out var fault));
        Assert.Equal(rig.Writer.Fault, fault);
    }

    [Fact]
    public void Audio_that_comes_late_is_in_the_first_segment_and_later_still_a_discontinuity()
    {
        using var rig = new CmafRig(segmentSeconds: 4);
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 13 }.Frames().Where(f => f.Track.IsVideo || f.Decoded.Seconds > 3));
        Assert.Empty(rig.Faults);
        Assert.Equal(3, rig.Of(TrackKind.Audio).Count);
        Assert.InRange(rig.Of(TrackKind.Audio)[0].Seconds, 0.9, 1.1);

        using var late = new CmafRig(segmentSeconds: 4);
        late.Write(new SyntheticStream { Random = new Random(1), Seconds = 21 }.Frames().Where(f => f.Track.IsVideo || f.Decoded.Seconds > 5));
        Assert.Empty(late.Faults);
        Assert.Equal([false, false, true, false, false], late.Of(TrackKind.Video).Select(s => s.IsDiscontinuity));
        Assert.Equal(3, late.Of(TrackKind.Audio).Count);
    }

    [Fact]
    public void Audio_that_joins_a_stream_that_was_seen_after_a_break_waits_for_the_next_segment()
    {
        using var rig = new CmafRig(segmentSeconds: 4);
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 9 }.Frames()).Break();
        rig.Write(new SyntheticStream { Random = new Random(1), From = 100, Seconds = 13 }.Frames().Where(f => f.Track.IsVideo || f.Decoded.Seconds > 101.5)).Break();
        Assert.Empty(rig.Faults);
        var back = rig.Of(TrackKind.Video).First(s => s.Start >= 100 * 90_000);
        Assert.True(back.IsDiscontinuity && back.Seconds < 4.1);
        Assert.All(rig.Of(TrackKind.Audio).Where(s => s.Start > 50 * 48_000), s => Assert.True(s.Start / 48_000.0 >= (back.Start + back.Duration) / 90_000.0 - 0.05));
    }

    [Fact]
    public void Key_frames_too_far_apart_and_times_that_jump_go_on()
    {
        using var rig = new CmafRig(isRegular: false);
        rig.Write(new SyntheticStream { Random = new Random(1), GopAt = n => n < 2 ? 2 : 9, Seconds = 12 }.Frames());
        rig.Write(new SyntheticStream { Random = new Random(1), From = 5_000, Seconds = 6 }.Frames());
        rig.Write(new SyntheticStream { Random = new Random(1), From = -3_000, Seconds = 6 }.Frames()).Break();
        Assert.Empty(rig.Faults);
        var video = rig.Of(TrackKind.Video);
        Assert.Contains(video, s => !s.IsIndependent);
        Assert.Equal(2, video.Count(s => s.IsDiscontinuity));
        Assert.All(video, s => Assert.InRange(s.Seconds, 0.03, 2.5));
        Assert.All(rig.Of(TrackKind.Audio), s => Assert.InRange(s.Seconds, 0.02, 2.5));
    }

    [Fact]
    public void Sound_that_stops_is_a_gap_and_comes_back_where_it_is()
    {
        using var rig = new CmafRig(isRegular: false);
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 20 }.Frames().Where(f => f.Track.IsVideo || f.Decoded.Seconds is < 4.5 or > 5.25)).Break();
        Assert.Empty(rig.Faults);
        Assert.Equal(1, rig.Audio.Holes);
        Assert.InRange(rig.Audio.Samples[^1].Decoded / 48_000.0, 10 + 19.97, 10 + 20.01);
        Assert.Equal(20, rig.Of(TrackKind.Audio).Sum(static s => s.Seconds), 0.03);
        // Nothing at all in a segment: one that is listed as EXT-X-GAP, and then the track is none any more.
        using var stopped = new CmafRig(isRegular: false);
        stopped.Write(new SyntheticStream { Random = new Random(1), Seconds = 20 }.Frames().Where(f => f.Track.IsVideo || f.Decoded.Seconds is < 4)).Break();
        Assert.Empty(stopped.Faults);
        var gap = Assert.Single(stopped.Of(TrackKind.Audio), s => s.Buffer is null);
        Assert.Equal(2, gap.Seconds, 0.03);
    }

    [Theory]
    [InlineData(4.0, 4.4)]
    [InlineData(3.8, 4.3)]
    [InlineData(4.5, 6.9)]
    [InlineData(3.9, 5.95)]
    [InlineData(4.1, 7.2)]
    public void Lengths_add_up_whatever_hole_is_in_the_sound(double from, double to)
    {
        using var rig = new CmafRig(isRegular: false);
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 20 }.Frames().Where(f => f.Track.IsVideo || f.Decoded.Seconds < from || f.Decoded.Seconds >= to)).Break();
        Assert.Empty(rig.Faults);
        var (video, audio) = (rig.Of(TrackKind.Video), rig.Of(TrackKind.Audio));
        Assert.Equal(video.Sum(static s => s.Seconds), audio.Sum(static s => s.Seconds), 0.05);
        for (var i = 0; i < audio.Count; i++)
        {
            var parts = rig.PartsOf(audio[i]);
            if (parts.Count > 0)
                Assert.Equal(audio[i].Seconds, parts.Sum(static p => p.Seconds), 0.05);
        }
    }

    [Fact]
    public void Sound_that_comes_a_second_and_a_half_later_each_time_loses_nothing_and_adds_nothing()
    {
        using var rig = new CmafRig(isRegular: false);
        var frames = new SyntheticStream { Random = new Random(1), Seconds = 40 }.Frames();
        rig.Write(frames.OrderBy(static f => f.Decoded.Seconds + (f.Track.IsVideo ? 0 : 1.5))).Break();
        Assert.Empty(rig.Faults);
        // But for what was not yet to be in the last segment.
        Assert.InRange(rig.Audio.Samples.Count, 38.5 * 48_000 / 1024, frames.Count);
        Assert.Equal(0, rig.Audio.Holes);
        // Once it was taken for its end, and twice told.
        Assert.InRange(rig.Of(TrackKind.Audio).Sum(static s => s.Seconds), 38, 42);
    }

    private static byte[] WithoutDelimiter(in Frame frame)
    {
        List<byte> bytes = [];
        var units = new NalUnits(frame.Payload.Span);
        while (units.MoveNext())
        {
            if (units.Type == NalUnitType.AccessUnitDelimiter)
                continue;
            bytes.AddRange([(byte)(units.Current.Length >> 24), (byte)(units.Current.Length >> 16), (byte)(units.Current.Length >> 8), (byte)units.Current.Length]);
            bytes.AddRange(units.Current);
        }
        return [.. bytes];
    }
}
