using System.Buffers;
using XLive.Media.Hls;
using XLive.Media.MpegTs;
using XLive.Media.Tests.Codecs;
using static XLive.Media.Tests.SyntheticStream;

namespace XLive.Media.Tests.MpegTs;

public class TsMuxerTests
{
    private const int VideoPid = 0x100;
    private const int AudioPid = 0x101;

    public static TheoryData<string, double, int, string> Streams => new()
    {
        { "video+aac", 25, 0, "" },
        { "video+aac", 30_000 / 1001.0, 2, "" },
        { "video+mp3", 60, 3, "" },
        { "video", 25, 2, "" },
        { "video", 120, 0, "" },
        { "video", 4, 0, "slower than clocks and tables must come" },
        { "video+aac", 1, 0, "slower still" },
        { "aac", 0, 0, "" },
        { "mp3", 0, 0, "" },
    };

    [Theory]
    [MemberData(nameof(Streams))]
    public void Every_rule_is_kept_and_every_frame_comes_out(string tracks, double fps, int bFrames, string why)
    {
        _ = why;
        var random = AvcConfigurationTests.Seeded(out var seed);
        var audio = tracks.EndsWith("aac", StringComparison.Ordinal) ? Aac : tracks.EndsWith("mp3", StringComparison.Ordinal) ? Mp3 : null;
        var hasVideo = tracks.StartsWith("video", StringComparison.Ordinal);
        // Begins so that the 33 bits run over in the midst of it: 13818-1 2.4.3.7.
        var from = (Math.Pow(2, 33) / 90_000) - 15;
        var frames = new SyntheticStream { Random = random, Fps = fps, BFrames = bFrames, HasVideo = hasVideo, Audio = audio, From = from, Seconds = 20 }.Frames();
        var checker = Mux(frames, hasVideo ? Video : null, audio, isCut: f => hasVideo ? f.IsKey && f.Track.IsVideo : (f.Decoded.Ticks / 180_000) != ((f.Decoded.Ticks - 2_160) / 180_000));

        Assert.True(checker.Faults.Count == 0, seed + "\n" + string.Join('\n', checker.Faults.Take(10)));
        Assert.InRange(checker.Segments, 10, 21);
        Assert.Equal(0, checker.Version);
        Assert.Equal(hasVideo ? VideoPid : AudioPid, checker.ClockPid);
        if (fps >= 25)
            Assert.InRange(checker.LongestClockGap, 1, 41 * 90);

        var videoFrames = frames.Where(f => f.Track.IsVideo).ToList();
        var video = checker.Of(VideoPid).ToList();
        Assert.Equal(videoFrames.Count, video.Count);
        for (var i = 0; i < video.Count; i++)
        {
            Assert.True(ByteStream(videoFrames[i]).AsSpan().SequenceEqual(video[i].Data), seed);
            Assert.Equal((videoFrames[i].Decoded.Ticks + 900_000) % (1L << 33), video[i].Decoded);
            Assert.Equal((videoFrames[i].Shown.Ticks + 900_000) % (1L << 33), video[i].Shown);
            Assert.Equal(videoFrames[i].IsKey, video[i].IsRandomAccess);
        }
        CheckAudio(frames.Where(f => !f.Track.IsVideo).ToList(), checker.Of(AudioPid).ToList(), !hasVideo, seed);
    }

    private static void CheckAudio(List<Frame> frames, List<TransportChecker.Pes> packets, bool isAlone, string seed)
    {
        var at = 0;
        foreach (var packet in packets)
        {
            Assert.Equal(isAlone, packet.IsRandomAccess);
            Assert.True(packet.HasLength);
            // A packet's time is its first frame's, less what the milliseconds cut off.
            var expected = (frames[at].Decoded.Ticks + 900_000) % (1L << 33);
            Assert.InRange(packet.Decoded - expected, -180, 180);
            var count = 0;
            for (var data = packet.Data.AsSpan(); data.Length > 0; at++, count++)
            {
                var payload = frames[at].Payload.Span;
                if (frames[at].Track.Codec == Codec.Aac)
                {
                    Assert.True(data[0] == 0xFF && data[1] == 0xF1, seed);
                    Assert.Equal(payload.Length + 7, ((data[3] & 3) << 11) | (data[4] << 3) | (data[5] >> 5));
                    data = data[7..];
                }
                Assert.True(payload.SequenceEqual(data[..payload.Length]), seed);
                data = data[payload.Length..];
            }
            Assert.InRange(count, 1, 5);
        }
        Assert.Equal(frames.Count, at);
        if (frames.Count > 0)
            Assert.True(packets.Count * 3 < frames.Count, "several frames a packet");
    }

    [Fact]
    public void Audio_stands_on_the_clock_of_its_samples()
    {
        // 44.1 kHz: 23.22 ms, cut to whole milliseconds by RTMP.
        var frames = new SyntheticStream { Random = new Random(1), HasVideo = false, Audio = OtherAac, Seconds = 60 }.Frames();
        var packets = Mux(frames, null, OtherAac, _ => false).Of(AudioPid).ToList();
        var steps = packets.Zip(packets.Skip(1), (a, b) => b.Shown - a.Shown).Distinct().ToList();
        // Four frames: 8359.18 ticks; a packet that ends a run may be shorter.
        Assert.All(steps, s => Assert.InRange(s, 8_359, 8_360));
    }

    [Fact]
    public void Audio_that_jumps_is_not_drawn_together()
    {
        var frames = new SyntheticStream { Random = new Random(1), HasVideo = false, Seconds = 1 }.Frames();
        frames.AddRange(new SyntheticStream { Random = new Random(2), HasVideo = false, From = 1.5, Seconds = 1 }.Frames());
        var checker = Mux(frames, null, Aac, _ => false);
        Assert.Empty(checker.Faults);
        Assert.Contains(checker.Packets, p => p.Shown == 900_000 + 135_000);
    }

    [Fact]
    public void Other_tracks_are_another_version()
    {
        var muxer = new TsMuxer();
        var checker = new TransportChecker();
        var (time, version) = (0.0, 0);
        foreach (var (video, audio) in new[] { (Video, Aac), (Video, Aac), (Video, (Track?)null), (null, Aac), (null, Mp3), (OtherVideo, OtherAac), (Video, Aac) })
        {
            var output = new ArrayBufferWriter<byte>();
            muxer.Begin(output, video, audio, isDiscontinuity: false);
            foreach (var frame in new SyntheticStream { Random = new Random(1), HasVideo = video is not null, VideoTrack = video ?? Video, Audio = audio, From = time, Seconds = 2 }.Frames())
                muxer.Write(frame);
            muxer.End();
            checker.Read(output.WrittenSpan);
            Assert.Empty(checker.Faults);
            Assert.Equal((video is null ? 0 : 1) + (audio is null ? 0 : 1), checker.Streams.Count);
            time += 2;
            version = checker.Version;
        }
        Assert.Equal(4, version);
    }

    [Fact]
    public void After_a_discontinuity_the_clock_says_so()
    {
        var muxer = new TsMuxer();
        var checker = new TransportChecker();
        foreach (var from in new[] { 1_000, 5, 90_000 })
        {
            var output = new ArrayBufferWriter<byte>();
            muxer.Begin(output, Video, Aac, isDiscontinuity: from != 1_000);
            foreach (var frame in new SyntheticStream { Random = new Random(1), From = from, Seconds = 2 }.Frames())
                muxer.Write(frame);
            muxer.End();
            checker.Read(output.WrittenSpan, isDiscontinuity: from != 1_000);
        }
        Assert.Empty(checker.Faults);
    }

    [Fact]
    public void Audio_that_came_late_is_in_all_tables()
    {
        var muxer = new TsMuxer();
        using var buffer = new BufferScope();
        muxer.Begin(buffer.Buffer, Video, null, isDiscontinuity: false);
        var frames = new SyntheticStream { Random = new Random(1), Seconds = 4 }.Frames();
        foreach (var frame in frames.Where(f => f.Track.IsVideo || f.Decoded.Seconds > 1))
        {
            if (!frame.Track.IsVideo && frame.Decoded.Seconds < 1.03)
                muxer.AddAudio(buffer.Buffer.Written, Aac);
            muxer.Write(frame);
        }
        muxer.End();
        var checker = new TransportChecker().Read(buffer.Buffer.Written);
        Assert.Empty(checker.Faults);
        Assert.True(checker.Tables > 30);
        Assert.Equal(0, muxer.Refused);
        Assert.NotEmpty(checker.Of(AudioPid));
    }

    [Fact]
    public void What_no_stream_can_hold_is_counted_and_left_out()
    {
        var muxer = new TsMuxer();
        var output = new ArrayBufferWriter<byte>();
        muxer.Begin(output, Video, Aac, isDiscontinuity: false);
        var at = new Timestamp(0);
        muxer.Write(new Frame(Video, at, 0, FrameFlags.Key, new byte[] { 0, 0, 0, 9, 0x65 }));
        muxer.Write(new Frame(Video, at, 0, FrameFlags.Key, new byte[] { 0, 0, 0, 2, 9, 0xF0 }));
        muxer.Write(new Frame(Video, at, 0, FrameFlags.Key, ReadOnlyMemory<byte>.Empty));
        muxer.Write(new Frame(Aac, at, 0, FrameFlags.Key, new byte[8_185]));
        muxer.Write(new Frame(Aac, at, 0, FrameFlags.Key, ReadOnlyMemory<byte>.Empty));
        Assert.Equal(5, muxer.Refused);
        muxer.Write(new Frame(Aac, at, 0, FrameFlags.Key, new byte[8_184]));
        // A frame that is shown before it is decoded is shown when it is.
        muxer.Write(new Frame(Video, at, -90_000, FrameFlags.Key, new byte[] { 0, 0, 0, 1, 0x65 }));
        muxer.End();
        Assert.Equal(5, muxer.Refused);
        var checker = new TransportChecker().Read(output.WrittenSpan);
        Assert.Empty(checker.Faults);
        Assert.Equal(2, checker.Packets.Count);
    }

    /// <summary>Stuffing of every length there is: a frame a byte longer each time.</summary>
    [Fact]
    public void Every_length_fills_its_packets()
    {
        var muxer = new TsMuxer();
        var output = new ArrayBufferWriter<byte>();
        muxer.Begin(output, Video, null, isDiscontinuity: false);
        for (var length = 1; length <= 600; length++)
        {
            var payload = new byte[4 + length];
            (payload[2], payload[3], payload[4]) = ((byte)(length >> 8), (byte)length, 0x41);
            muxer.Write(new Frame(Video, new Timestamp(length * 1_500), length % 3 * 1_500, length % 5 == 0 ? FrameFlags.Key : FrameFlags.None, payload));
        }
        var checker = new TransportChecker().Read(output.WrittenSpan);
        Assert.Empty(checker.Faults);
        Assert.Equal(600, checker.Packets.Count);
        Assert.All(checker.Packets.Select((p, i) => p.Data.Length - i), extra => Assert.True(extra is 11 or 11 + 36));
    }

    [Fact]
    public void No_frame_allocates()
    {
        var frames = new SyntheticStream { Random = new Random(1), Seconds = 30, BFrames = 2 }.Frames();
        var muxer = new TsMuxer();
        using var buffer = new BufferScope();
        Run();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run()
        {
            muxer.Begin(buffer.Buffer, Video, Aac, isDiscontinuity: true);
            foreach (var frame in frames)
                muxer.Write(frame);
            muxer.End();
            buffer.Buffer.Clear();
        }
    }

    private static TransportChecker Mux(List<Frame> frames, Track? video, Track? audio, Func<Frame, bool> isCut)
    {
        var muxer = new TsMuxer();
        var checker = new TransportChecker();
        var output = new ArrayBufferWriter<byte>();
        muxer.Begin(output, video, audio, isDiscontinuity: false);
        for (var i = 0; i < frames.Count; i++)
        {
            if (i > 0 && isCut(frames[i]))
            {
                muxer.End();
                checker.Read(output.WrittenSpan);
                output = new ArrayBufferWriter<byte>();
                muxer.Begin(output, video, audio, isDiscontinuity: false);
            }
            muxer.Write(frames[i]);
        }
        muxer.End();
        Assert.Equal(0, muxer.Refused);
        return checker.Read(output.WrittenSpan);
    }

    private sealed class BufferScope : IDisposable
    {
        public SegmentBuffer Buffer { get; } = new(64 << 20);

        public void Dispose() => Buffer.Release();
    }
}
