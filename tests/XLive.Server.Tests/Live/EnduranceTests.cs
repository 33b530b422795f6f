using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using XLive.Media;
using XLive.Media.Fmp4;
using XLive.Media.Hls;
using XLive.Media.Tests;
using XLive.Server.Ingest.Rtmp;
using XLive.Server.Live;
using XLive.Server.Playback.Hls;
using XLive.Server.Sending;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Live;

/// <summary>What many streams, and long ones, leave behind: nothing.</summary>
public sealed class EnduranceTests
{
    private readonly HandClock _clock = new();
    private readonly LiveOptions _options = new() { Container = Container.Both };
    private readonly LiveStreams _streams;
    private readonly HlsStreams _hls;

    public EnduranceTests()
    {
        _streams = new LiveStreams(() => _options, _clock, NullLogger<LiveStreams>.Instance);
        _hls = new HlsStreams(_streams, _clock);
    }

    [Fact]
    public void A_thousand_streams_leave_no_byte_behind()
    {
        var frames = new SyntheticStream { Random = new Random(7), Seconds = 12, VideoBytes = 200 }.Frames();
        for (var round = 0; round < 10; round++)
        {
            var turns = new List<Publication>();
            for (var i = 0; i < 100; i++)
            {
                var name = new StreamName("live", $"cam-{round}-{i}");
                var turn = _streams.TryPublish(name, Film.Somebody, out _)!;
                turn.Announce(SyntheticStream.Video, turn.Begin);
                turn.Announce(SyntheticStream.Aac, turn.Begin);
                Assert.True(_streams.TryFind(name, out var stream));
                using var viewer = stream.Watch();
                foreach (var frame in frames)
                    turn.Publish(frame);
                while (viewer.TryRead(1 << 20, out BodyPiece piece))
                    piece.Owner.Release();
                Assert.True(_hls.Newest(name) is { Cmaf.HasSegments: true, Transport.HasSegments: true });
                turns.Add(turn);
            }
            Assert.Equal(100, _streams.Count);
            Assert.True(_streams.AllBytes > 0);
            // Some say goodbye, some are lost and do not come back.
            for (var i = 0; i < turns.Count; i++)
                turns[i].End(i % 2 == 0 ? PublishEnd.Finished : PublishEnd.Lost);
            _clock.Pass(_options.ReconnectGrace + TimeSpan.FromSeconds(1));
            Delivery.Until.Equal(0, () => _streams.Count, "streams");
            _clock.Pass(TimeSpan.FromHours(1));
            _hls.Expire();
            Assert.Equal((0, 0L, 0L), (_hls.Count, _streams.MemoryBytes, _streams.AllBytes));
        }
    }

    private static long Sequence(PlaylistForms playlist) =>
        long.Parse(Encoding.UTF8.GetString(playlist.Plain.Span).Split("#EXT-X-MEDIA-SEQUENCE:")[1].Split('\n')[0], CultureInfo.InvariantCulture);

    [Fact]
    public void A_day_of_wraps_and_returns_neither_drifts_nor_grows()
    {
        var name = new StreamName("live", "cam");
        const int seconds = 24 * 3600;
        const int turnSeconds = 3600;
        byte[] configuration = [0xAF, 0, 0x11, 0x90], frame = [0xAF, 1, .. new byte[40]];
        // The first turn wraps at 32 bits, the later ones at 24, as encoders of either kind do.
        uint[] begins = [uint.MaxValue - 1_800_000, (1 << 24) - 1_800_000];
        var (sequence, most, last, turns) = (0L, 0L, default(Timestamp), 0);
        Publication? turn = null;
        FlvFeed? feed = null;
        LiveStream? stream = null;
        uint time = 0;
        for (var second = 0; second < seconds; second++)
        {
            if (second % turnSeconds == 0)
            {
                if (turn is not null)
                {
                    turn.End(PublishEnd.Lost);
                    _clock.Pass(TimeSpan.FromSeconds(5));
                }
                turn = _streams.TryPublish(name, Film.Somebody, out var refusal);
                Assert.True(turn is not null, refusal);
                feed = new FlvFeed(turn);
                time = begins[Math.Min(turns++, 1)];
                feed.Take(TrackKind.Audio, time, configuration);
                Assert.True(_streams.TryFind(name, out var found) && (stream is null || ReferenceEquals(found, stream)), "its viewers stay");
                stream = found;
            }
            for (var i = 0; i < 2; i++)
            {
                feed!.Take(TrackKind.Audio, time, frame);
                time += 500;
                if (turns > 1)
                    time &= 0xFFFFFF;
                _clock.Pass(TimeSpan.FromMilliseconds(500));
            }
            if (second % 60 != 59)
                continue;
            _hls.Expire();
            if (_hls.Newest(name) is not { Transport.Current: { } view, Cmaf.Current.Audio: { } parts })
                continue;
            var now = Sequence(view.Media);
            Assert.InRange(now, sequence, long.MaxValue);
            Assert.InRange(Sequence(parts.Text(PlaylistScope.All)), now - 2, now + 2);
            sequence = now;
            if (second > turnSeconds)
                Assert.InRange(_streams.AllBytes, 1, most * 2);
            else
                most = Math.Max(most, _streams.AllBytes);
            Assert.Equal(0, feed!.Discontinuities);
            using var cursor = stream!.Watch();
            Assert.True(cursor.From >= last);
            last = cursor.From;
        }
        // Half a second a frame, and one step of 40 ms, not of half a second, from turn to turn.
        var expected = seconds - 0.5 - ((turns - 1) * 0.46);
        Assert.InRange(last.Seconds, expected - 1, expected + 1);
        Assert.InRange(sequence, seconds / 5 / 2, seconds);
        turn!.End(PublishEnd.Finished);
        _clock.Pass(TimeSpan.FromHours(1));
        _hls.Expire();
        Assert.Equal((0, 0, 0L), (_streams.Count, _hls.Count, _streams.AllBytes));
    }
}
