using System.Globalization;
using XLive.Media;
using XLive.Server.Live;

namespace XLive.Server.Tests.Live;

public sealed class FrameLogTests
{
    private static readonly int Seed = Environment.GetEnvironmentVariable("XLIVE_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();

    private sealed class Reader(long number)
    {
        public long Number = number;
        public long Skips;
    }

    [Theory]
    [InlineData("flv")]
    [InlineData("rtmp")]
    public void Each_reads_all_of_it_or_goes_on_at_a_keyframe(string word)
    {
        var form = word == "flv" ? WireForm.Flv : WireForm.Rtmp;
        var random = new Random(Seed);
        var slabs = new Slabs();
        slabs.StreamCame();
        var log = new FrameLog(slabs, 2 << 20, form);
        var film = new Film(random);
        var tags = new List<byte[]>();
        var keys = new List<Timestamp?>();
        var readers = new List<Reader>();
        for (var i = 0; i < 3000; i++)
        {
            var frame = film.Next();
            tags.Add(Film.Written(form, frame));
            keys.Add(frame is { IsKey: true, Track.IsVideo: true } ? frame.Decoded : null);
            var kept = log.Append(frame);
            Assert.True(kept.Payload.Span.SequenceEqual(frame.Payload.Span), $"XLIVE_SEED={Seed}: frame {i} is another in the log");
            Assert.InRange(log.Bytes, 0, 2 << 20);
            if (i % 100 == 0)
            {
                Track? video = null, audio = null;
                readers.Add(new Reader(log.Begin(i % 200 == 0, ref video, ref audio, out _)));
            }
            // Some come for each frame, some so seldom that what they want has gone.
            foreach (var (reader, at) in readers.Select(static (r, at) => (r, at)))
            {
                if (random.Next(1 + at * 40) == 0)
                    ReadOn(log, form, reader, tags, keys, random);
            }
        }
        Assert.Contains(readers, static r => r.Skips > 0);
        Assert.Contains(readers, static r => r.Skips == 0);
        log.Close();
        slabs.StreamWent();
        Assert.Equal(0, slabs.Bytes);
    }

    private static void ReadOn(FrameLog log, WireForm form, Reader reader, List<byte[]> tags, List<Timestamp?> keys, Random random)
    {
        while (true)
        {
            var before = reader.Number;
            if (!log.TryRead(ref reader.Number, random.Next(1, 300_000), out var piece, out var skipped))
                return;
            if (skipped > 0)
            {
                reader.Skips++;
                Assert.True(keys[(int)reader.Number] is not null, $"XLIVE_SEED={Seed}: {skipped} skipped, to no key");
                Assert.Equal(before + skipped, reader.Number);
                Assert.Equal(Film.Configurations(form, keys[(int)reader.Number]!.Value), piece.Bytes.ToArray());
                continue;
            }
            var wanted = tags.Skip((int)before).Take((int)(reader.Number - before)).SelectMany(static t => t).ToArray();
            Assert.True(piece.Bytes.Span.SequenceEqual(wanted), $"XLIVE_SEED={Seed}: other bytes from {before} to {reader.Number}");
            piece.Owner.Release();
        }
    }

    [Fact]
    public void What_is_being_sent_stays_as_it_is_when_the_log_has_long_gone_on()
    {
        var slabs = new Slabs();
        slabs.StreamCame();
        var log = new FrameLog(slabs, 1 << 20);
        var film = new Film(new Random(Seed));
        log.Append(film.Next());
        var number = 0L;
        Assert.True(log.TryRead(ref number, int.MaxValue, out var piece, out _));
        var then = piece.Bytes.ToArray();
        for (var i = 0; i < 1000; i++)
            log.Append(film.Next());
        Assert.Equal(then, piece.Bytes.ToArray());
        piece.Owner.Release();
        log.Close();
        slabs.StreamWent();
        Assert.Equal(0, slabs.Bytes);
    }

    [Theory]
    [InlineData("flv")]
    [InlineData("rtmp")]
    public void One_who_takes_other_codecs_reads_up_to_the_first_of_them_and_fallen_behind_is_told_nothing_of_it(string word)
    {
        var form = word == "flv" ? WireForm.Flv : WireForm.Rtmp;
        var slabs = new Slabs();
        slabs.StreamCame();
        var log = new FrameLog(slabs, 1 << 20, form);
        var (film, takes) = (new Film(new Random(Seed)), CodecSet.Of(Codec.H264, Codec.Aac));
        log.Append(Film.Video, default);
        log.Append(Film.Audio, default);
        var last = film.Next();
        log.Append(last);
        log.Append(Film.Hevc, last.Decoded);
        log.Append(new Frame(Film.Hevc, last.Decoded, 0, FrameFlags.Key, new byte[100]));
        var number = 0L;
        Assert.True(log.TryRead(ref number, int.MaxValue, out var piece, out _, takes: takes));
        byte[] wanted = [.. Film.Configurations(form, default), .. Film.Written(form, last)];
        Assert.Equal(wanted, piece.Bytes.ToArray());
        piece.Owner.Release();
        Assert.False(log.TryRead(ref number, int.MaxValue, out _, out _, takes: takes));
        Assert.Same(Film.Hevc, log.NotTakenAt(number, takes));
        Assert.Null(log.NotTakenAt(number, CodecSet.All));

        // Who is so late finds that codec at the newest keyframe, and its sound would be taken.
        for (var i = 1; i < 100; i++)
            log.Append(new Frame(i % 10 == 0 ? Film.Audio : Film.Hevc, last.Decoded + (i * 9000), 0, FrameFlags.Key, new byte[20_000]));
        number = 0;
        if (log.TryRead(ref number, int.MaxValue, out piece, out var skipped, takes: takes))
            Assert.Equal(-1, piece.Bytes.Span.IndexOf("hvc1"u8));
        Assert.Equal(103, skipped);
        Assert.False(log.TryRead(ref number, int.MaxValue, out _, out _, takes: takes));
        Assert.Same(Film.Hevc, log.NotTakenAt(number, takes));
        log.Close();
        slabs.StreamWent();
        Assert.Equal(0, slabs.Bytes);
    }

    [Fact]
    public void Of_MP3_nothing_is_told_before_its_frames_and_never_is_a_piece_empty()
    {
        var mp3 = new Track { Kind = TrackKind.Audio, Codec = Codec.Mp3, Configuration = default, CodecName = "mp4a.6B", SampleRate = 44_100, Channels = 2 };
        var slabs = new Slabs();
        var log = new FrameLog(slabs, 1 << 20);
        log.Append(mp3, default);
        var (late, all) = (0L, 0L);
        Assert.False(log.TryRead(ref all, 1000, out _, out _));
        for (var i = 0; i < 500; i++)
            log.Append(new Frame(mp3, new Timestamp(i * 9000L), 0, FrameFlags.Key, new byte[100]));
        Assert.False(log.TryRead(ref late, 1000, out _, out var skipped));
        Assert.InRange(skipped, 350, 500);
        log.Append(new Frame(mp3, new Timestamp(500 * 9000L), 0, FrameFlags.Key, new byte[100]));
        Assert.True(log.TryRead(ref late, 1000, out var piece, out _));
        Assert.Equal(116, piece.Bytes.Length);
        piece.Owner.Release();
        log.Close();
        Assert.Equal(0, slabs.Bytes);
    }

    [Fact]
    public void A_frame_larger_than_all_that_may_be_kept_is_kept_alone()
    {
        var slabs = new Slabs();
        var log = new FrameLog(slabs, 1 << 20);
        var large = new Frame(Film.Video, default, 0, FrameFlags.Key, new byte[3 << 20]);
        log.Append(large);
        log.Append(large);
        var number = 1L;
        Assert.True(log.TryRead(ref number, 1, out var piece, out _));
        Assert.Equal(Film.TagOf(large).Length, piece.Bytes.Length);
        piece.Owner.Release();
        log.Close();
        Assert.Equal(0, slabs.Bytes);
    }
}
