using System.Buffers.Binary;
using System.Text.RegularExpressions;
using XLive.Media;
using XLive.Media.Tests;
using XLive.Media.Tests.Fmp4;
using XLive.Server.Live;
using XLive.Server.Playback.Hls;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Live;

/// <summary>Streams that are one event in several qualities, over sockets. Where their frames are in its time is EventClockTests' matter.</summary>
public sealed partial class RenditionTests
{
    private const string Entry = "/live/cam.m3u8";

    private sealed class Feed
    {
        private readonly Publication _turn;
        private readonly double _late;
        private readonly List<Frame> _frames;
        private int _next;

        /// <param name="from">Of the source's time; what was before this publisher did not send.</param>
        /// <param name="late">So much later than the others it comes.</param>
        public Feed(TestServer server, string stream, int lines, double gop = 2, double from = 0, double late = 0, double fps = 30, double seconds = 60)
        {
            _turn = server.Get<LiveStreams>().TryPublish(new StreamName("live", stream), Film.Somebody, out var refusal) ?? throw new InvalidOperationException(refusal);
            Stream = stream;
            _late = late;
            var video = SyntheticStream.Video;
            video = new Track { Kind = video.Kind, Codec = video.Codec, Configuration = video.Configuration, CodecName = video.CodecName, Width = lines * 16 / 9, Height = lines, FrameRate = fps };
            _turn.Announce(video, _turn.Begin);
            _turn.Announce(SyntheticStream.Aac, _turn.Begin);
            // A key frame is where it is in the source, whoever joins when.
            _frames = [.. new SyntheticStream { Random = new Random(lines), Fps = fps, Gop = gop, Seconds = seconds, VideoBytes = lines / 2, VideoTrack = video }.Frames()
                .Where(f => f.Decoded.Ticks >= from * Timestamp.PerSecond)];
            _turn.ToSource = _frames[0].Decoded.Ticks - _turn.Begin.Ticks;
        }

        public string Stream { get; }

        public void To(double seconds)
        {
            for (; _next < _frames.Count && _frames[_next].Decoded.Ticks < (seconds - _late) * Timestamp.PerSecond; _next++)
            {
                var frame = _frames[_next];
                _turn.Publish(new Frame(frame.Track, frame.Decoded - _turn.ToSource, frame.CompositionOffset, frame.Flags, frame.Payload));
            }
        }

        public void End(PublishEnd why = PublishEnd.Finished) => _turn.End(why);
    }

    private static Task<TestServer> Start(TimeProvider clock, params string[] settings) =>
        TestServer.StartAsync(clock, ["--live.segment_seconds=2", "--live.part_ms=200", "--access.max_lifetime=0", .. settings]);

    /// <summary>From there to here, a twentieth of a second at a time, as the clock goes.</summary>
    private static void Play(HandClock clock, ref double now, double to, params Feed[] feeds)
    {
        for (; now < to - 1e-9; now += 0.05)
        {
            clock.Pass(TimeSpan.FromSeconds(0.05));
            foreach (var feed in feeds)
                feed.To(now + 0.05);
        }
    }

    private static Answer Get(TestServer server, string target, params string[] headers)
    {
        using var client = server.Connect();
        return client.Ask("GET", target, headers);
    }

    private static string Link(string path, string scope) => path + "?" + TestServer.Grant("u1", scope);

    private static RenditionText Text(Answer answer)
    {
        Assert.True(answer.Status == 200, answer.ToString() + "\n" + answer.Text);
        var text = new RenditionText(answer.Body);
        Assert.Empty(text.Faults);
        return text;
    }

    private static HlsStream Stream(TestServer server, string stream) => server.Get<HlsStreams>().Newest(new StreamName("live", stream))!;

    /// <summary>The paths of the media playlists, video and its audio, in the order of the multivariant playlist.</summary>
    private static List<(string Video, string Audio, string Inf)> Variants(TestServer server, string entry = Entry)
    {
        var answer = Get(server, Link(entry, "/live/cam"));
        Assert.True(answer.Status == 200, answer.Text);
        var groups = Media().Matches(answer.Text).ToDictionary(static m => m.Groups[1].Value, static m => m.Groups[2].Value);
        return [.. Inf().Matches(answer.Text).Select(m => (m.Groups[3].Value, groups[m.Groups[2].Value], m.Groups[1].Value))];
    }

    private static string StreamOf(TestServer server, string path) => server.Get<HlsStreams>().WatchedAt(path[path.IndexOf("/live/", StringComparison.Ordinal)..])!["/live/".Length..];

    private static long FirstDecodeTime(byte[] segment)
    {
        var at = segment.AsSpan().IndexOf("tfdt"u8);
        return BinaryPrimitives.ReadInt64BigEndian(segment.AsSpan(at + 8));
    }

    /// <summary>By it the page of an event knows that what is still there has ended, and does not play its last seconds again.</summary>
    [Fact]
    public async Task The_tag_begins_with_the_life_of_the_event()
    {
        var (clock, now) = (new HandClock(), 0.0);
        await using var server = await Start(clock);
        string Life() => Get(server, Link(Entry, "/live/cam"))["ETag"]!.Split('-')[0];
        Feed[] feeds = [new(server, "cam_360", 360), new(server, "cam_720", 720)];
        Play(clock, ref now, 7.1, feeds);
        var life = Life();
        Assert.Matches("^\"[0-9a-f]{12,}$", life);
        feeds[0].End();
        Play(clock, ref now, 9.1, feeds[1]);
        Assert.Equal(life, Life());
        feeds[1].End();
        Assert.Equal(life, Life());
        now = 0;
        Play(clock, ref now, 5.1, new Feed(server, "cam_360", 360));
        Assert.NotEqual(life, Life());
    }

    [Fact]
    public async Task Streams_with_labels_are_one_playlist_below_one_scope()
    {
        var (clock, now) = (new HandClock(), 0.0);
        await using var server = await Start(clock);
        Feed[] feeds = [new(server, "cam_360p", 360), new(server, "cam_1080", 1080), new(server, "cam_720p60", 720, fps: 60), new(server, "cam_left", 360), new(server, "cam_2", 360)];
        Play(clock, ref now, 7.1, feeds);
        var variants = Variants(server);
        // What a phone can play first, then from the best down.
        Assert.Equal(["cam_720p60", "cam_1080", "cam_360p"], variants.ConvertAll(v => StreamOf(server, v.Video)));
        Assert.Matches("^BANDWIDTH=[0-9]+,AVERAGE-BANDWIDTH=[0-9]+,CODECS=\"avc1.4[dD]401[fF],mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=60.000$", variants[0].Inf);
        Assert.Contains("RESOLUTION=1920x1080,FRAME-RATE=30.000", variants[1].Inf, StringComparison.Ordinal);
        foreach (var (video, audio, _) in variants)
        {
            foreach (var path in (string[])[video, audio])
            {
                Assert.Matches("^/~s1\\.[^/]+/live/cam/[0-9a-f]+/(video|audio)\\.m3u8$", path);
                var text = Text(Get(server, path));
                var folder = path[..(path.LastIndexOf('/') + 1)];
                Assert.Equal(200, Get(server, folder + text.Segments[^1].Uri).Status);
                Assert.Equal(200, Get(server, folder + text.Tail.Parts[^1].Uri).Status);
                Assert.Equal(200, Get(server, folder + text.Segments[0].Map).Status);
            }
            // One encoder's sound is one for all: that of the stream that came first.
            Assert.Equal("cam_360p", StreamOf(server, audio));
        }
        Assert.Equal(4, Whole().Count(Get(server, Link(Entry, "/live/cam") + "&low_latency=0").Text));
        Assert.DoesNotContain("PART", Get(server, variants[0].Video.Replace("video", "video-whole", StringComparison.Ordinal)).Text, StringComparison.Ordinal);
        // Each by itself is what it was, and its link opens nothing of the others.
        var own = Get(server, Link("/live/cam_1080.m3u8", "/live/cam_1080"));
        Assert.Single(Inf().Matches(own.Text));
        var alone = Inf().Match(own.Text).Groups[3].Value;
        Assert.Matches("^/~s1\\.[^/]+/live/cam_1080/[0-9a-f]+/video\\.m3u8$", alone);
        Assert.Equal(200, Get(server, alone).Status);
        Assert.Single(Text(Get(server, alone)).Reports);
        Assert.Equal(403, Get(server, Link("/live/cam.m3u8", "/live/cam_1080")).Status);
        Assert.Equal(404, Get(server, alone.Replace(Stream(server, "cam_1080").Life, Stream(server, "cam_360p").Life, StringComparison.Ordinal)).Status);
        // A name with a bar is a name.
        Assert.Single(Inf().Matches(Get(server, Link("/live/cam_left.m3u8", "/live/cam_left")).Text));
        Assert.Equal(404, Get(server, Link("/live/cam_.m3u8", "/live/cam_")).Status);
    }

    [Fact]
    public async Task What_is_one_moment_has_one_date_one_time_one_number_in_all()
    {
        var (clock, now) = (new HandClock(), 0.0);
        await using var server = await Start(clock);
        // 1080 comes 300 ms later, 360 has twice the key frames and another rate.
        Feed[] feeds = [new(server, "cam_720", 720), new(server, "cam_1080", 1080, late: 0.3), new(server, "cam_360", 360, gop: 1, fps: 24)];
        Play(clock, ref now, 9.0, feeds);
        // One that joins in the midst of a segment; its second is the others'.
        Feed late = new(server, "cam_480", 480, gop: 1, from: 9.0);
        Play(clock, ref now, 15.1, [.. feeds, late]);
        var variants = Variants(server);
        Assert.Equal(4, variants.Count);
        var texts = variants.ToDictionary(v => StreamOf(server, v.Video), v => (Folder: v.Video[..^"video.m3u8".Length], Text: Text(Get(server, v.Video))));
        var one = texts["cam_720"];
        Assert.Equal(6, one.Text.Segments.Count);
        foreach (var (stream, (folder, text)) in texts)
        {
            Assert.Equal((one.Text.Target, one.Text.PartTarget, one.Text.PartHoldBack, one.Text.CanSkipUntil), (text.Target, text.PartTarget, text.PartHoldBack, text.CanSkipUntil));
            for (var i = stream == "cam_480" ? 1 : 0; i < text.Segments.Count; i++)
            {
                var number = text.MediaSequence + i;
                if (number < one.Text.MediaSequence || number > one.Text.Last)
                    continue;
                var same = one.Text.Segments[(int)(number - one.Text.MediaSequence)];
                Assert.Equal((stream, number, same.Date), (stream, number, text.Segments[i].Date));
                // A part that was given out with its last picture ends up to two milliseconds before the next (CmafSegments).
                Assert.InRange(text.Segments[i].Duration - same.Duration, -0.003, 0.003);
                var (there, here) = (FirstDecodeTime(Get(server, one.Folder + same.Uri).Body), FirstDecodeTime(Get(server, folder + text.Segments[i].Uri).Body));
                Assert.InRange(here - there, -180, 180);
            }
            Assert.InRange(text.Last, one.Text.Last - 1, one.Text.Last);
        }
        Assert.Equal(4, texts["cam_480"].Text.MediaSequence);
        Assert.Equal(1, texts["cam_480"].Text.Segments[0].Duration, 2);
        Assert.Equal(0, texts["cam_480"].Text.DiscontinuitySequence);
    }

    [Fact]
    public async Task One_that_was_lost_comes_back_on_the_grid_of_the_others()
    {
        var (clock, now) = (new HandClock(), 0.0);
        await using var server = await Start(clock);
        Feed one = new(server, "cam_720", 720), two = new(server, "cam_360", 360);
        Play(clock, ref now, 7.3, one, two);
        two.End(PublishEnd.Lost);
        // Nobody is led to where nothing comes.
        Assert.Single(Variants(server));
        Play(clock, ref now, 10.7, one);
        // Its encoder was restarted: times from zero, key frames at other moments than the other's.
        Feed back = new(server, "cam_360", 360, gop: 1, late: 10.7);
        Play(clock, ref now, 19.2, one, back);
        var variants = Variants(server);
        Assert.Equal(["cam_720", "cam_360"], variants.ConvertAll(v => StreamOf(server, v.Video)));
        // Its sound would not fit to the other's lips.
        Assert.All(variants, static v => Assert.Equal(v.Video.Replace("video.m3u8", "audio.m3u8", StringComparison.Ordinal), v.Audio));
        var (other, own) = (Text(Get(server, variants[0].Video)), Text(Get(server, variants[1].Video)));
        Assert.Equal((other.Target, other.PartTarget), (own.Target, own.PartTarget));
        var first = own.Segments.Single(static s => s.IsDiscontinuity);
        var returned = own.Segments.SkipWhile(s => s != first).ToList();
        Assert.True(returned.Count >= 3);
        // What one calls a moment the other calls the same, in the playlist and in the boxes.
        Assert.InRange(DateOfZero(server, variants[0].Video, other.Segments[^1]) - DateOfZero(server, variants[1].Video, own.Segments[^1]), -0.005, 0.005);
        Assert.InRange(DateOfZero(server, variants[1].Video, first) - DateOfZero(server, variants[1].Video, own.Segments[^1]), -0.005, 0.005);
        // Each segment but the first begins with the first key frame after one of the other's does.
        foreach (var segment in returned.Skip(1))
        {
            var before = other.Segments.Last(s => s.Date <= segment.Date);
            Assert.InRange((segment.Date!.Value - before.Date!.Value).TotalSeconds, 0.5, 1.0);
            Assert.Equal(2, segment.Duration, 2);
        }
    }

    private static double DateOfZero(TestServer server, string playlist, RenditionText.Segment segment) =>
        segment.Date!.Value.ToUnixTimeMilliseconds() / 1000.0 - (FirstDecodeTime(Get(server, playlist[..(playlist.LastIndexOf('/') + 1)] + segment.Uri).Body) / (double)Timestamp.PerSecond);

    [Fact]
    public async Task Reports_name_all_the_others_and_each_can_be_waited_for()
    {
        var (clock, now) = (new HandClock(), 0.0);
        await using var server = await Start(clock);
        Feed[] feeds = [new(server, "cam", 1080), new(server, "cam_720", 720), new(server, "cam_360", 360)];
        Play(clock, ref now, 7.1, feeds);
        var variants = Variants(server);
        Assert.Equal(["cam_720", "cam", "cam_360"], variants.ConvertAll(v => StreamOf(server, v.Video)));
        var all = variants.SelectMany(static v => new[] { v.Video, v.Audio }).Distinct().ToList();
        foreach (var path in all)
        {
            var text = Text(Get(server, path));
            var named = text.Reports.ConvertAll(r => new Uri(new Uri("http://a" + path), r.Uri).AbsolutePath);
            Assert.Equal(all.Where(p => p != path).Order(StringComparer.Ordinal), named.Order(StringComparer.Ordinal));
            // L16: within a part of one another.
            Assert.All(text.Reports, r => Assert.InRange((r.LastNumber * 10) + r.LastPart, (text.Last * 10) + 10 + text.Tail.Parts.Count - 2, (text.Last * 10) + 10 + text.Tail.Parts.Count));
        }
        var waiting = all.ConvertAll(path => server.Connect().Send(RawClient.Request("GET", path + "?_HLS_msn=3&_HLS_part=5")));
        Until.True(() => server.Get<HlsStreams>().Blocked == 4, "all wait");
        Play(clock, ref now, 7.4, feeds);
        foreach (var client in waiting)
        {
            Assert.InRange(Text(client.Read()).Tail.Parts.Count, 6, 7);
            client.Dispose();
        }
        // The same for all viewers.
        var life = variants[0].Video[variants[0].Video.IndexOf("/live/", StringComparison.Ordinal)..];
        var entry = Get(server, Entry + "?" + TestServer.Grant("u2", "/live/cam")).Text;
        var another = entry[entry.IndexOf("/~s1.", StringComparison.Ordinal)..entry.IndexOf("/live/", StringComparison.Ordinal)] + life;
        Assert.Equal(Get(server, variants[0].Video).Text, Get(server, another).Text);
        // One of the playlists can be the first that a viewer has of it; what it names is the event's too.
        var first = Get(server, Link(life, "/live/cam"));
        Assert.Contains("#EXT-X-PART:DURATION=0.200000,URI=\"/~s1.", first.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("/live/cam_", first.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_ends_is_named_no_more_and_says_so_itself()
    {
        var (clock, now) = (new HandClock(), 0.0);
        await using var server = await Start(clock);
        Feed one = new(server, "cam_720", 720), two = new(server, "cam_360", 360);
        Play(clock, ref now, 7.1, one, two);
        var variants = Variants(server);
        Assert.Equal(2, variants.Count);
        using var waits = server.Connect().Send(RawClient.Request("GET", variants[1].Video + "?_HLS_msn=4"));
        Until.True(() => server.Get<HlsStreams>().Blocked == 1, "it waits");
        two.End();
        Assert.True(Text(waits.Read()).HasEnded);
        Assert.Equal("cam_720", StreamOf(server, Assert.Single(Variants(server)).Video));
        Play(clock, ref now, 9.1, one);
        Assert.EndsWith("audio.m3u8", Assert.Single(Text(Get(server, variants[0].Video)).Reports).Uri, StringComparison.Ordinal);
        // Who is late still plays its end.
        var ended = Text(Get(server, variants[1].Video));
        Assert.True(ended.HasEnded);
        Assert.Equal(200, Get(server, variants[1].Video[..^"video.m3u8".Length] + ended.Segments[^1].Uri).Status);
        one.End();
        Assert.Equal(2, Variants(server).Count);
        clock.Pass(TimeSpan.FromMinutes(2));
        Until.True(() =>
        {
            server.Get<HlsStreams>().Expire();
            return server.Get<HlsStreams>().Count == 0;
        }, "all has gone");
        Assert.Equal(404, Get(server, Link(Entry, "/live/cam")).Status);
        Assert.Null(server.Get<HlsStreams>().Event(new StreamName("live", "cam")));
    }

    [Fact]
    public async Task What_is_sent_of_a_rendition_counts_to_its_stream()
    {
        var (clock, now) = (new HandClock(), 0.0);
        await using var server = await Start(clock);
        Feed[] feeds = [new(server, "cam_720", 720), new(server, "cam_360", 360)];
        Play(clock, ref now, 7.1, feeds);
        var video = Variants(server).Single(v => StreamOf(server, v.Video) == "cam_360").Video;
        long Sent(string stream) => server.Get<LiveStreams>().TryFind(new StreamName("live", stream), out var found) ? found.Figures().BytesOut : -1;
        var segment = Get(server, video[..^"video.m3u8".Length] + "v1.m4s");
        Until.True(() => Sent("cam_360") == segment.Body.Length, $"{Sent("cam_360")} of {segment.Body.Length}");
        Assert.Equal(0, Sent("cam_720"));
    }

    [Theory]
    [InlineData("cam_720", "cam")]
    [InlineData("cam_1080p", "cam")]
    [InlineData("cam_1080p60", "cam")]
    [InlineData("cam_1080p120", "cam")]
    [InlineData("hall_2_480", "hall_2")]
    [InlineData("a_b_2160", "a_b")]
    [InlineData("cam", null)]
    [InlineData("cam_2", null)]
    [InlineData("cam_12", null)]
    [InlineData("cam_20261122", null)]
    [InlineData("cam_0720", null)]
    [InlineData("cam_720i", null)]
    [InlineData("cam_720p1000", null)]
    [InlineData("cam_720p60x", null)]
    [InlineData("cam_720_left", null)]
    [InlineData("cam_low", null)]
    [InlineData("cam_", null)]
    [InlineData("_720", null)]
    [InlineData("cam-720", null)]
    public void A_label_is_the_lines_of_the_picture(string stream, string? of) =>
        Assert.Equal(of is null ? null : new StreamName("live", of), new StreamName("live", stream).Event);

    [GeneratedRegex("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"([^\"]+)\",NAME=\"Audio\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"([^\"]+)\"\n")]
    private static partial Regex Media();

    [GeneratedRegex("-whole\\.m3u8")]
    private static partial Regex Whole();

    [GeneratedRegex("#EXT-X-STREAM-INF:(.*),AUDIO=\"([^\"]+)\"\n(.+)\n")]
    private static partial Regex Inf();
}
