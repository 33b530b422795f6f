using XLive.Media.Fmp4;
using XLive.Media.Hls;
using static XLive.Media.Tests.SyntheticStream;

namespace XLive.Media.Tests.Fmp4;

public class Fmp4BoundsTests
{
    private static readonly byte[] Picture = [0, 0, 0, 2, 0x65, 1];
    private static readonly byte[] Sound = [1, 2, 3];

    [Theory]
    [InlineData(30_000 / 1001.0)]
    [InlineData(24)]
    public void A_day_of_milliseconds_does_not_drift(double fps)
    {
        var (videoEnd, audioEnd, videoGaps, audioGaps) = (0L, 0L, 0, 0);
        var (longest, shortest) = (0.0, 1.0);
        CmafSegments writer = null!;
        writer = new CmafSegments(new CmafOptions { PartSeconds = 0.5 }, part =>
        {
            longest = Math.Max(longest, part.Seconds - writer.PartTargetSeconds);
        }, segment =>
        {
            ref var end = ref segment.Kind == TrackKind.Video ? ref videoEnd : ref audioEnd;
            if (end > 0 && segment.Start != end)
                _ = segment.Kind == TrackKind.Video ? videoGaps++ : audioGaps++;
            end = segment.Start + segment.Duration;
            shortest = Math.Min(shortest, segment.Seconds);
            segment.Buffer?.Release();
        });
        using var segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = 4 }, writer);
        const double Day = 86_400;
        var sound = 0L;
        for (var i = 0L; i / fps < Day; i++)
        {
            for (; sound * 1024 / 44_100.0 <= i / fps; sound++)
                segmenter.Write(new Frame(OtherAac, Timestamp.FromMilliseconds((long)(sound * 1024 * 1000 / 44_100.0)), 0, FrameFlags.Key, Sound), default);
            segmenter.Write(new Frame(Video, Timestamp.FromMilliseconds((long)(i * 1000 / fps)), 0, i % 60 == 0 ? FrameFlags.Key : FrameFlags.None, Picture), default);
        }
        segmenter.Break();
        Assert.Equal((0, 0), (videoGaps, audioGaps));
        Assert.Equal(0, segmenter.Refused);
        Assert.True(longest <= 1e-9, $"{longest}");
        // Sample upon sample, to the millisecond of the last frame.
        Assert.InRange(audioEnd - (10 * 44_100) - (sound * 1024), -44, 0);
        Assert.InRange((videoEnd / 90_000.0) - 10 - Day, -0.045, 0.045);
        Assert.InRange((videoEnd / 90_000.0) - (audioEnd / 44_100.0), -0.05, 0.05);
    }

    [Fact]
    public void No_frame_allocates()
    {
        var told = 0;
        var writer = new CmafSegments(new CmafOptions { PartSeconds = 0.5 }, _ => told++, segment =>
        {
            told++;
            segment.Buffer?.Release();
        });
        using var segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = 4 }, writer);
        var (allocatedByFrames, allocated, warm) = (0L, 0L, 0);
        var sound = 0L;
        for (var i = 0L; i < 80 * 25; i++)
        {
            for (; sound * 1024 / 48_000.0 <= i / 25.0; sound++)
                Count(segmenter, new Frame(Aac, Timestamp.FromMilliseconds(sound * 1024 / 48), 0, FrameFlags.Key, Sound), i);
            Count(segmenter, new Frame(Video, Timestamp.FromMilliseconds(i * 40), 0, i % 50 == 0 ? FrameFlags.Key : FrameFlags.None, Picture), i);
        }
        Assert.InRange(told - warm, 250, 320);
        Assert.Equal(0, allocatedByFrames);
        // A part, a share of its segment and of the buffer.
        Assert.InRange((double)allocated / (told - warm), 1, 300);

        void Count(Segmenter segmenter, in Frame frame, long i)
        {
            var (bytes, before) = (GC.GetAllocatedBytesForCurrentThread(), told);
            segmenter.Write(frame, default);
            bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
            if (i < 20 * 25)
                warm = told;
            else if (told == before)
                allocatedByFrames += bytes;
            else
                allocated += bytes;
        }
    }

    [Fact]
    public void What_has_no_room_is_a_gap_and_the_stream_goes_on()
    {
        const int Most = 1 << 20;
        using var rig = new CmafRig(mostBytes: Most);
        var peak = 0;
        void Play(SyntheticStream stream)
        {
            foreach (var frame in stream.Frames())
            {
                rig.Write([frame]);
                peak = Math.Max(peak, rig.Segmenter.OpenBytes);
            }
        }
        Play(new SyntheticStream { Random = new Random(1), VideoBytes = 2_000, Seconds = 6 });
        Assert.Equal(0, rig.Writer.Lost);
        Play(new SyntheticStream { Random = new Random(2), VideoBytes = 30_000, From = 6, Seconds = 4 });
        Play(new SyntheticStream { Random = new Random(3), VideoBytes = 2_000, From = 10, Seconds = 6 });
        rig.Break();
        Assert.Empty(rig.Faults);
        var video = rig.Of(TrackKind.Video);
        Assert.Equal([true, true, true, false, false, true, true, true], video.Select(s => s.Buffer is not null));
        Assert.All(video, s => Assert.Equal(2, s.Seconds, 2));
        Assert.All(rig.Of(TrackKind.Audio), s => Assert.NotNull(s.Buffer));
        Assert.Equal(2, rig.Writer.Lost);
        Assert.InRange(peak, Most / 2, Most);
        Assert.False(rig.Segmenter.IsOverfull);
        // Parts that were given out of a segment that has gone are their holders'.
        Assert.Contains(rig.Parts, p => p.Segment.Buffer is null);
    }

    [Fact]
    public void First_segment_without_room_leaves_the_target_to_the_next()
    {
        using var rig = new CmafRig(mostBytes: 1 << 20);
        rig.Write(new SyntheticStream { Random = new Random(2), VideoBytes = 60_000, Seconds = 2 }.Frames());
        rig.Write(new SyntheticStream { Random = new Random(3), VideoBytes = 2_000, From = 2, Seconds = 5 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.Null(rig.Of(TrackKind.Video)[0].Buffer);
        Assert.Empty(rig.PartsOf(rig.Of(TrackKind.Audio)[0]));
        Assert.Equal(10, rig.PartsOf(rig.Of(TrackKind.Video)[1]).Count);
        Assert.InRange(rig.Writer.PartTargetSeconds, 0.2, 0.202);
    }

    [Fact]
    public void A_part_can_be_read_while_its_segment_is_written_and_after()
    {
        var held = new List<(SegmentBuffer Buffer, CmafPart Part, byte[] Bytes)>();
        using var writer = new CmafSegments(new CmafOptions { PartSeconds = 0.2 }, part =>
        {
            Assert.True(part.Segment.Buffer!.TryHold());
            held.Add((part.Segment.Buffer, part, part.Segment.Buffer.Bytes.Slice(part.Offset, part.Length).ToArray()));
        }, segment => segment.Buffer?.Release());
        using var segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = 2 }, writer);
        foreach (var frame in new SyntheticStream { Random = new Random(1), Seconds = 9 }.Frames())
            segmenter.Write(frame, default);
        segmenter.Dispose();
        Assert.InRange(held.Count, 80, 100);
        foreach (var (buffer, part, bytes) in held)
        {
            Assert.True(buffer.Bytes.Span.Slice(part.Offset, part.Length).SequenceEqual(bytes));
            buffer.Release();
        }
        Assert.All(held, h => Assert.False(h.Buffer.TryHold()));
    }
}
