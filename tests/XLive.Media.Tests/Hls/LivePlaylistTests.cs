using System.IO.Compression;
using System.Text;
using XLive.Media.Hls;
using XLive.Media.Tests.Codecs;
using static XLive.Media.Tests.SyntheticStream;

namespace XLive.Media.Tests.Hls;

public class LivePlaylistTests
{
    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    [Fact]
    public void First_segment_to_the_letter()
    {
        using var rig = new LiveRig();
        Assert.Null(rig.Playlist.Current);
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 4.1, From = 77 }.Frames());
        var length = rig.Segments[0].Buffer.Length;
        Assert.Equal("""
            #EXTM3U
            #EXT-X-VERSION:3
            #EXT-X-TARGETDURATION:4
            #EXT-X-MEDIA-SEQUENCE:0
            #EXT-X-DISCONTINUITY-SEQUENCE:0
            #EXT-X-INDEPENDENT-SEGMENTS
            #EXT-X-PROGRAM-DATE-TIME:2026-11-22T02:00:00.000Z
            #EXTINF:4.000000,
            0.ts

            """, Text(rig.Playlist.Current!.Media.Plain));
        Assert.Equal($"""
            #EXTM3U
            #EXT-X-VERSION:3
            #EXT-X-INDEPENDENT-SEGMENTS
            #EXT-X-STREAM-INF:BANDWIDTH={length * 2},AVERAGE-BANDWIDTH={length * 2},CODECS="avc1.4d401f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=25.000
            s/e1/index.m3u8

            """, Text(rig.Playlist.Current.Multivariant.Plain));
    }

    [Fact]
    public void Compressed_it_is_the_same()
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 30 }.Frames());
        foreach (var forms in new[] { rig.Playlist.Current!.Media, rig.Playlist.Current.Multivariant })
        {
            using var gzip = new GZipStream(new MemoryStream(forms.Gzip.ToArray()), CompressionMode.Decompress);
            using var output = new MemoryStream();
            gzip.CopyTo(output);
            Assert.Equal(forms.Plain.ToArray(), output.ToArray());
        }
    }

    [Theory]
    [InlineData("video", "avc1.4d401f", ",RESOLUTION=1280x720,FRAME-RATE=25.000")]
    [InlineData("audio", "mp4a.40.34", "")]
    public void One_track_is_all_that_is_named(string kind, string codecs, string rest)
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 5, HasVideo = kind == "video", Audio = kind == "audio" ? Mp3 : null }.Frames());
        Assert.Contains($"CODECS=\"{codecs}\"{rest}\n", Text(rig.Playlist.Current!.Multivariant.Plain), StringComparison.Ordinal);
    }

    [Theory]
    // as measured, for the parameter sets say 29.97 and are wrong, or nothing
    [InlineData(25, 0, "25.000")]
    [InlineData(30, 0, "30.000")]
    [InlineData(60_000 / 1001.0, 0, "59.940")]
    [InlineData(24_000 / 1001.0, 0, "23.976")]
    [InlineData(17, 0, "17.000")]
    [InlineData(50, 25, "50.000")]
    [InlineData(25, 300, "25.000")]
    // as they say
    [InlineData(30, 30_000 / 1001.0, "29.970")]
    public void Frame_rate(double fps, double named, string told)
    {
        var track = new Track { Kind = TrackKind.Video, Codec = Codec.H264, CodecName = "avc1.4d401f", Configuration = Video.Configuration, Width = 1280, Height = 720, FrameRate = named };
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Fps = fps, VideoTrack = track, Seconds = 9 }.Frames());
        Assert.Equal(told, Text(rig.Playlist.Current!.Multivariant.Plain).Split("FRAME-RATE=")[1].Split('\n')[0]);
    }

    [Fact]
    public void Bandwidth_is_that_of_the_highest_segments_and_of_all()
    {
        using var rig = new LiveRig();
        for (var i = 0; i < 12; i++)
            rig.Write(new SyntheticStream { Random = new Random(i), VideoBytes = i == 5 ? 20_000 : 2_000, From = i * 4, Seconds = 4 }.Frames());
        var rates = rig.Segments.Select(s => s.Buffer.Length * 8 / s.Seconds).ToList();
        Assert.InRange(rig.Playlist.PeakBandwidth, rates.Max() - 1, rates.Max() + 1);
        Assert.InRange(rig.Playlist.AverageBandwidth, rates.Average() - 2, rates.Average() + 2);
        Assert.True(rig.Playlist.PeakBandwidth > 3 * rig.Playlist.AverageBandwidth);
    }

    [Fact]
    public void Removed_segments_stay_and_then_go()
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 121 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.Equal((30, 6), (rig.Segments.Count, rig.Playlist.Listed));
        // Each lingers its 4 s and 24 of a playlist: seven.
        Assert.Equal(7, rig.Playlist.Removed);
        Assert.Equal(24, rig.Playlist.Current!.FirstListed);
        Assert.Equal(rig.Segments.TakeLast(13).Sum(s => s.Buffer.Taken), rig.Playlist.Bytes);
        Assert.True(rig.IsThere(17) && !rig.IsThere(16) && rig.IsThere(29) && !rig.IsThere(30) && !rig.IsThere(-1) && !rig.IsThere(long.MaxValue));

        // What somebody reads stays until he is done; to others it is gone.
        var view = rig.Playlist.Current;
        var held = view.TryHold(17)!;
        Assert.Equal(TimeSpan.FromSeconds(28), held.Lingers);
        Assert.InRange(held.MaxAge(rig.Now), TimeSpan.FromSeconds(0), TimeSpan.FromSeconds(4));
        rig.Playlist.Expire(rig.Now.AddSeconds(40));
        Assert.Equal((0, 6), (rig.Playlist.Removed, rig.Playlist.Listed));
        Assert.Null(rig.Playlist.Current!.TryHold(17));
        Assert.Equal(0x47, held.Segment.Buffer.Bytes.Span[0]);
        held.Segment.Buffer.Release();
        Assert.Null(view.TryHold(17));
        Assert.Equal(TimeSpan.FromSeconds(28), view.TryHold(29)!.MaxAge(rig.Now));
    }

    [Fact]
    public void End_is_told_and_what_is_listed_stays_for_as_long_as_it_plays()
    {
        using var rig = new LiveRig();
        rig.Write(new SyntheticStream { Random = new Random(1), Seconds = 41 }.Frames()).Break();
        rig.Playlist.End(rig.Now);
        var view = rig.Playlist.Current!;
        Assert.EndsWith("#EXT-X-ENDLIST\n", Text(view.Media.Plain), StringComparison.Ordinal);
        Assert.True(view.HasEnded);
        rig.Checker.See(view.Media.Plain.Span, rig.Now);
        Assert.Empty(rig.Faults);
        Assert.InRange(rig.Playlist.GoesAt - rig.Now, TimeSpan.FromSeconds(21), TimeSpan.FromSeconds(22));
        rig.Playlist.End(rig.Now.AddSeconds(5));
        Assert.Same(view, rig.Playlist.Current);
    }

    [Fact]
    public void Publish_after_publish_the_numbers_rise()
    {
        using var rig = new LiveRig();
        for (var i = 0; i < 20; i++)
            rig.Write(new SyntheticStream { Random = new Random(i), From = i * 37 % 11, Seconds = 7 }.Frames()).Break(awaySeconds: 3);
        Assert.Empty(rig.Faults);
        Assert.Equal(40, rig.Segments.Count);
        Assert.Equal(19, rig.Segments.Count(s => s.IsDiscontinuity));
        Assert.Contains("#EXT-X-DISCONTINUITY-SEQUENCE:16\n", Text(rig.Playlist.Current!.Media.Plain), StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_is_bounded_and_the_playlist_is_not_shortened_for_it()
    {
        // Segments of about 1.5 MB, and the removed ones have no room.
        using var rig = new LiveRig(mostBytes: 10 << 20) { IsEverythingKept = false };
        rig.Write(new SyntheticStream { Random = new Random(1), VideoBytes = 9_000, Seconds = 60 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.True(rig.Playlist.Bytes <= 10 << 20);
        Assert.False(rig.Playlist.IsOverfull);
        Assert.True(rig.Playlist.Removed < 7);
        // Twice of that: only three target durations are left, and they fit.
        rig.Write(new SyntheticStream { Random = new Random(1), VideoBytes = 20_000, From = 60, Seconds = 40 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.Equal((3, 0), (rig.Playlist.Listed, rig.Playlist.Removed));
        Assert.True(rig.Playlist.Bytes <= 10 << 20);
        Assert.False(rig.Playlist.IsOverfull);
        // And now they do not.
        rig.Write(new SyntheticStream { Random = new Random(1), VideoBytes = 30_000, From = 100, Seconds = 20 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.Equal((3, 0), (rig.Playlist.Listed, rig.Playlist.Removed));
        Assert.True(rig.Playlist.IsOverfull);
    }

    [Theory]
    [InlineData("0.ts", 0)]
    [InlineData("7.ts", 7)]
    [InlineData("1234567890123.ts", 1234567890123)]
    [InlineData("00.ts", -1)]
    [InlineData("07.ts", -1)]
    [InlineData("-7.ts", -1)]
    [InlineData("+7.ts", -1)]
    [InlineData(" 7.ts", -1)]
    [InlineData("7.TS", -1)]
    [InlineData(".ts", -1)]
    [InlineData("7", -1)]
    [InlineData("\u0667.ts", -1)]
    [InlineData("99999999999999999999.ts", -1)]
    public void Only_its_own_name_names_a_segment(string name, long number)
    {
        Assert.Equal(number >= 0, LiveSegment.TryReadName(name, out var read));
        if (number >= 0)
            Assert.Equal((number, name), (read, LiveSegment.NameOf(read)));
    }

    /// <summary>Readers on other threads see a playlist whose segments are there, or find them gone; never bytes that are no longer theirs.</summary>
    [Fact]
    public async Task Readers_beside_the_writer()
    {
        using var rig = new LiveRig(mostBytes: 2 << 20) { IsEverythingKept = false };
        using var done = new CancellationTokenSource();
        var reads = new int[3];
        var readers = Enumerable.Range(0, reads.Length).Select(reader => Task.Run(() =>
        {
            var random = new Random(reader);
            while (!done.IsCancellationRequested)
            {
                if (rig.Playlist.Current is not { } view)
                    continue;
                if (view.TryHold(view.Segments[random.Next(view.Segments.Length)].Number) is not { } held)
                    continue;
                var bytes = held.Segment.Buffer.Bytes.Span;
                Assert.True(bytes[0] == 0x47 && bytes[^188] == 0x47);
                held.Segment.Buffer.Release();
                Volatile.Write(ref reads[reader], reads[reader] + 1);
            }
        })).ToArray();
        for (var part = 0; part < 1_000 && (part < 3 || reads.Any(r => r < 100)); part++)
            rig.Write(new SyntheticStream { Random = new Random(1), Gop = 1, From = part * 60, Seconds = 60 }.Frames());
        await done.CancelAsync();
        await Task.WhenAll(readers);
        Assert.All(reads, r => Assert.True(r > 0));
        Assert.Empty(rig.Faults);
    }

    /// <summary>Any structure of GOPs, any events: what a player may rely on holds all the time.</summary>
    [Fact]
    public void Whatever_a_publisher_does()
    {
        for (var run = 0; run < 25; run++)
        {
            var random = AvcConfigurationTests.Seeded(out var seed);
            var events = "";
            using var rig = new LiveRig(new[] { 1, 2, 2.5, 4, 6 }[random.Next(5)], random.Next(3, 8));
            var time = random.NextDouble() * 1e6;
            for (var part = 0; part < 12; part++)
            {
                var (video, audio) = (random.Next(4) == 0 ? OtherVideo : Video, random.Next(6) switch { 0 => OtherAac, 1 => Mp3, 2 => null, _ => Aac });
                var stream = new SyntheticStream
                {
                    Random = random,
                    Fps = new[] { 1, 12.5, 24_000 / 1001.0, 25, 30, 60 }[random.Next(6)],
                    BFrames = random.Next(4),
                    GopAt = random.Next(2) == 0 ? _ => 0.1 + (random.NextDouble() * 6) : random.Next(8) == 0 ? _ => 13 : _ => 2,
                    HasVideo = random.Next(8) != 0,
                    VideoTrack = video,
                    Audio = audio,
                    From = time,
                    Seconds = 1 + (random.NextDouble() * 25),
                    VideoBytes = 200,
                };
                var frames = stream.Frames();
                if (random.Next(5) == 0)
                {
                    var (from, to) = (time + (random.NextDouble() * 10), time + (random.NextDouble() * 20));
                    var stalls = random.Next(2) == 0;
                    frames.RemoveAll(f => f.Track.IsVideo == stalls && f.Decoded.Seconds > from && f.Decoded.Seconds < to);
                }
                rig.Write(frames);
                var what = random.Next(6);
                events += what;
                time += stream.Seconds + (what == 0 ? 3 : what == 1 ? 20_000 : what == 2 ? -500 : 0);
                if (what == 3)
                    rig.Break(random.NextDouble() * 20);
            }
            rig.Break();
            var about = $"{seed}, run {run}, {events}, {rig.Durations}\n" + string.Join('\n', rig.Faults.Take(10));
            Assert.False(rig.Faults.Any(), about);
            Assert.NotEmpty(rig.Segments);
            CheckMedia(rig, about);
            // Everything that was counted is given back.
            rig.Playlist.Expire(DateTimeOffset.MaxValue);
            Assert.Equal(rig.Segments.TakeLast(rig.Playlist.Listed).Sum(s => s.Buffer.Taken), rig.Playlist.Bytes);
        }
    }

    /// <summary>H6: EXTINF is, to a frame, how far apart the first pictures of two segments are.</summary>
    private static void CheckMedia(LiveRig rig, string about)
    {
        for (var i = 0; i + 1 < rig.Segments.Count; i++)
        {
            var (segment, next) = (rig.Segments[i], rig.Segments[i + 1]);
            Assert.True(!segment.IsIndependent || segment.Video is null || rig.Packets[i].First(p => p.Pid == 0x100).IsRandomAccess, about);
            if (next.IsDiscontinuity || segment.Video is null || !segment.IsIndependent || !next.IsIndependent)
                continue;
            var (a, b) = (rig.Packets[i].First(p => p.Pid == 0x100), rig.Packets[i + 1].First(p => p.Pid == 0x100));
            Assert.True(Math.Abs(b.Decoded - a.Decoded - segment.Duration) % (1L << 33) <= 90, about);
        }
    }
}
