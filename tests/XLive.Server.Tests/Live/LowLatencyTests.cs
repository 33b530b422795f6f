using XLive.Media;
using XLive.Media.Tests;
using XLive.Media.Tests.Fmp4;
using XLive.Server.Live;
using XLive.Server.Playback.Hls;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Live;

/// <summary>Playlists and parts that are waited for, over sockets; what the playlists say is CmafPresentationTests' matter.</summary>
public sealed class LowLatencyTests
{
    private static readonly string[] Quick = ["--live.segment_seconds=2", "--live.part_ms=200"];

    /// <summary>A stream whose frames come when the test says so: parts of 0.2 s, segments of two.</summary>
    private sealed class Feed
    {
        private readonly Publication _turn;
        private readonly List<Frame> _frames;
        private int _next;

        public Feed(TestServer server, Track? audio = null, double seconds = 120, string stream = "cam")
        {
            _turn = server.Get<LiveStreams>().TryPublish(new StreamName("live", stream), Film.Somebody, out var refusal) ?? throw new InvalidOperationException(refusal);
            _turn.Announce(SyntheticStream.Video, _turn.Begin);
            _turn.Announce(audio ?? SyntheticStream.Aac, _turn.Begin);
            _frames = new SyntheticStream { Random = new Random(11), Fps = 30, Gop = 2, BFrames = 0, Audio = audio ?? SyntheticStream.Aac, Seconds = seconds, VideoBytes = 400 }.Frames();
        }

        public Feed To(double seconds)
        {
            for (; _next < _frames.Count && _frames[_next].Decoded.Ticks < seconds * Timestamp.PerSecond; _next++)
            {
                var frame = _frames[_next];
                _turn.Publish(new Frame(frame.Track, _turn.Begin + frame.Decoded.Ticks, frame.CompositionOffset, frame.Flags, frame.Payload));
            }
            return this;
        }

        public void End(PublishEnd why = PublishEnd.Finished) => _turn.End(why);
    }

    private static async Task<TestServer> Start(TimeProvider? clock = null, params string[] settings) => await TestServer.StartAsync(clock ?? TimeProvider.System, [.. Quick, .. settings]);

    private static HlsStream Stream(TestServer server) => server.Get<HlsStreams>().Newest(new StreamName("live", "cam"))!;

    /// <summary>/~s1.../live/cam/{life}/ of a viewer's.</summary>
    private static string Folder(TestServer server, string entry = "/live/cam.m3u8")
    {
        var media = server.Fetch(entry).Text.TrimEnd().Split('\n')[^1];
        var path = new Uri(new Uri("http://a/live/"), media).AbsolutePath;
        return path[..(path.LastIndexOf('/') + 1)];
    }

    private static RawClient Ask(TestServer server, string target, params string[] headers) => server.Connect().Send(RawClient.Request("GET", target, headers));

    private static Answer Get(TestServer server, string target, params string[] headers)
    {
        using var client = Ask(server, target, headers);
        return client.Read();
    }

    private static RenditionText Text(Answer answer)
    {
        Assert.True(answer.Status == 200, answer.ToString() + "\n" + answer.Text);
        var text = new RenditionText(answer.Body);
        Assert.Empty(text.Faults);
        return text;
    }

    private static void UntilBlocked(TestServer server, int count) => Until.True(() => server.Get<HlsStreams>().Blocked == count, $"{count} wait, and not {server.Get<HlsStreams>().Blocked}");

    [Fact]
    public async Task A_reload_waits_for_its_part_and_a_hinted_part_for_its_last_byte()
    {
        await using var server = await Start();
        var feed = new Feed(server).To(7.1);
        var folder = Folder(server);
        var before = Text(Get(server, folder + "video.m3u8"));
        Assert.Equal((2L, 5, "v3.5.m4s"), (before.Last, before.Tail.Parts.Count, before.Hint));
        using var reload = Ask(server, folder + "video.m3u8?_HLS_msn=3&_HLS_part=5");
        using var whole = Ask(server, folder + "video.m3u8?_HLS_msn=3");
        using var part = Ask(server, folder + before.Hint);
        UntilBlocked(server, 3);
        feed.To(7.15);
        Assert.Equal((3, 0, 0, 0), (server.Get<HlsStreams>().Blocked, reload.Socket.Available, whole.Socket.Available, part.Socket.Available));
        feed.To(7.3);
        var after = Text(reload.Read());
        Assert.Equal((2L, 6, "v3.6.m4s"), (after.Last, after.Tail.Parts.Count, after.Hint));
        var bytes = part.Read();
        Assert.Equal((200, "video/mp4"), (bytes.Status, bytes["Content-Type"]));
        UntilBlocked(server, 1);
        feed.To(8.1);
        Assert.Equal(3, Text(whole.Read()).Last);
        // The parts are the segment, byte for byte.
        var parts = Enumerable.Range(0, 10).SelectMany(p => Get(server, $"{folder}v3.{p}.m4s").Body).ToArray();
        Assert.Equal(Get(server, folder + "v3.m4s").Body, parts);
        Assert.Equal(bytes.Body, Get(server, folder + "v3.5.m4s").Body);
        Assert.Equal("ftyp", System.Text.Encoding.ASCII.GetString(Get(server, folder + "v0.mp4").Body.AsSpan(4, 4)));
    }

    [Theory]
    [InlineData("_HLS_msn=99", 400)]
    [InlineData("_HLS_msn=5", 400)]
    [InlineData("_HLS_part=0", 400)]
    [InlineData("_HLS_msn=x", 400)]
    [InlineData("_HLS_msn=-1", 400)]
    [InlineData("_HLS_msn=03", 400)]
    [InlineData("_HLS_msn=", 400)]
    [InlineData("_HLS_msn=2&_HLS_msn=2", 400)]
    [InlineData("_HLS_msn=2&_HLS_part=1.5", 400)]
    [InlineData("_HLS_msn=3&_HLS_part=99", 400)]
    [InlineData("_HLS_msn=99999999999999999999", 400)]
    [InlineData("_HLS_msn=0", 200)]
    [InlineData("_HLS_msn=2", 200)]
    [InlineData("_HLS_msn=1&_HLS_part=99", 200)]
    [InlineData("_HLS_msn=2&_HLS_part=99", 200)]
    [InlineData("_HLS_msn=3&_HLS_part=0&_HLS_skip=YES", 200)]
    [InlineData("_HLS_msn=3&_HLS_part=0&_HLS_skip=v2", 200)]
    [InlineData("_HLS_other=1&other=_HLS_msn", 200)]
    [InlineData("_HLS_skip=no", 200)]
    public async Task What_is_asked_for_decides_at_once(string query, int status)
    {
        await using var server = await Start();
        _ = new Feed(server).To(7.1);
        var answer = Get(server, Folder(server) + "video.m3u8?" + query);
        Assert.Equal(status, answer.Status);
        // bis B.1: what was waited for stays six target durations, what there is half of one.
        Assert.Equal(status == 400 ? "no-store" : query.Contains("_HLS_msn=", StringComparison.Ordinal) ? "private, max-age=12" : "private, max-age=1", answer["Cache-Control"]);
        if (status != 200)
            return;
        Assert.Equal(2, Text(answer).Last);
        Assert.DoesNotContain("_HLS_", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_come_in_time_is_a_503_and_who_leaves_waits_no_more()
    {
        var clock = new HandClock();
        await using var server = await Start(clock, "--access.max_lifetime=0");
        var feed = new Feed(server).To(7.1);
        var folder = Folder(server);
        using var reload = Ask(server, folder + "video.m3u8?_HLS_msn=3&_HLS_part=5");
        using var part = Ask(server, folder + "v3.5.m4s");
        var left = Ask(server, folder + "audio.m3u8?_HLS_msn=3");
        UntilBlocked(server, 3);
        // One who closed his own direction alone may still read; a reset says that he does not.
        left.Socket.LingerState = new System.Net.Sockets.LingerOption(true, 0);
        left.Dispose();
        UntilBlocked(server, 2);
        for (var second = 0; second < 5; second++)
        {
            clock.Pass(TimeSpan.FromSeconds(1));
            feed.To(7.1);
        }
        Assert.Equal(2, server.Get<HlsStreams>().Blocked);
        // Three target durations; the clock's timers ring beside us.
        Until.True(() =>
        {
            clock.Pass(TimeSpan.FromSeconds(1));
            return server.Get<HlsStreams>().Blocked == 0;
        }, "they are told");
        Assert.Equal((503, "no-store"), (reload.Read() is var late ? late.Status : 0, late["Cache-Control"]));
        Assert.Equal((503, "no-store"), (part.Read() is var none ? none.Status : 0, none["Cache-Control"]));
        feed.To(7.3);
        Assert.Equal(200, Get(server, folder + "v3.5.m4s").Status);
    }

    [Fact]
    public async Task The_end_releases_all_who_wait_and_no_directive_counts_then()
    {
        await using var server = await Start();
        var feed = new Feed(server).To(7.1);
        var folder = Folder(server);
        using var reload = Ask(server, folder + "video.m3u8?_HLS_msn=4");
        using var part = Ask(server, folder + "a3.5.m4s");
        UntilBlocked(server, 2);
        feed.End();
        var text = Text(reload.Read());
        Assert.True(text.HasEnded && text.Hint.Length == 0);
        // What there was of it is the segment's last.
        Assert.Equal(200, part.Read().Status);
        Assert.Equal(200, Get(server, folder + "video.m3u8?_HLS_msn=99&_HLS_part=1").Status);
        Assert.Equal(200, Get(server, folder + "video.m3u8?_HLS_part=1").Status);
        Assert.Equal(404, Get(server, folder + "v4.0.m4s").Status);
        Assert.Equal(200, Get(server, folder + "v3.m4s").Status);
    }

    [Fact]
    public async Task A_publisher_that_is_lost_ends_the_segment_and_a_hint_that_it_broke_is_404()
    {
        await using var server = await Start();
        var feed = new Feed(server).To(7.1);
        var folder = Folder(server);
        using var part = Ask(server, folder + "v3.6.m4s");
        Assert.Equal(404, part.Read().Status);
        using var hinted = Ask(server, folder + "v3.5.m4s");
        using var next = Ask(server, folder + "video.m3u8?_HLS_msn=4&_HLS_part=0");
        UntilBlocked(server, 2);
        feed.End(PublishEnd.Lost);
        // What there was of the part is the segment's last.
        Assert.Equal(200, hinted.Read().Status);
        var text = Text(Get(server, folder + "video.m3u8?_HLS_msn=3"));
        Assert.Equal((3L, "v4.0.m4s", false), (text.Last, text.Hint, text.HasEnded));
        Assert.Equal(404, Get(server, folder + "v3.6.m4s").Status);
        UntilBlocked(server, 1);
        new Feed(server).To(2.5);
        var back = Text(next.Read());
        Assert.True(back.Tail.IsDiscontinuity || back.Segments[^1].IsDiscontinuity);
    }

    [Fact]
    public async Task Below_their_sessions_all_have_the_same_bytes_in_both_encodings()
    {
        await using var server = await Start();
        var feed = new Feed(server).To(9.1);
        var folder = Folder(server);
        var life = folder[folder.IndexOf("/live/", StringComparison.Ordinal)..];
        using var another = server.Connect();
        var text = another.Ask("GET", "/live/cam.m3u8?" + TestServer.Grant("u2")).Text;
        var other = text[text.IndexOf("/~s1.", StringComparison.Ordinal)..text.IndexOf("/live/", StringComparison.Ordinal)] + life;
        Assert.NotEqual(folder, other);
        foreach (var name in (string[])["video.m3u8", "audio.m3u8?_HLS_msn=4&_HLS_part=0", "video-whole.m3u8", "v4.0.m4s", "v3.m4s", "a0.mp4"])
        {
            var (one, two) = (Get(server, folder + name), Get(server, other + name));
            Assert.Equal((200, 200), (one.Status, two.Status));
            Assert.Equal(one.Body, two.Body);
            Assert.Equal(one["ETag"], two["ETag"]);
        }
        var zipped = Get(server, folder + "video.m3u8", "Accept-Encoding: gzip");
        Assert.Equal(Get(server, folder + "video.m3u8").Text, zipped.Unzipped());
        Assert.Equal(304, Get(server, folder + "video.m3u8", "Accept-Encoding: gzip", "If-None-Match: " + zipped["ETag"]).Status);
        feed.To(9.3);
        Assert.Equal(200, Get(server, folder + "video.m3u8", "Accept-Encoding: gzip", "If-None-Match: " + zipped["ETag"]).Status);
        // A playlist can be the first that a viewer has of it; then its children lead below his session.
        var entry = server.Fetch(life + "video.m3u8?_HLS_msn=3");
        Assert.Contains("#EXT-X-PART:DURATION=0.200000,URI=\"/~s1.", entry.Text, StringComparison.Ordinal);
        Assert.Contains("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"/~s1.", entry.Text, StringComparison.Ordinal);
        Assert.Contains("#EXT-X-RENDITION-REPORT:URI=\"/~s1.", entry.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("_HLS_", entry.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Delta_updates_of_long_windows()
    {
        await using var server = await Start(null, "--live.window=12");
        _ = new Feed(server).To(31);
        var folder = Folder(server);
        var (whole, delta) = (Text(Get(server, folder + "video.m3u8")), Text(Get(server, folder + "video.m3u8?_HLS_skip=YES")));
        Assert.Equal((12.0, 0), (whole.CanSkipUntil, whole.Skipped));
        Assert.InRange(delta.Skipped, 4, 6);
        Assert.Equal(whole.SegmentLines.Skip(delta.Skipped), delta.SegmentLines);
        Assert.Equal(Get(server, folder + "video.m3u8?_HLS_skip=YES").Text, Get(server, folder + "video.m3u8?_HLS_skip=v2").Text);
    }

    [Fact]
    public async Task A_player_chooses_container_and_latency_where_both_are_there()
    {
        await using var server = await Start(null, "--live.container=both");
        _ = new Feed(server).To(7.1);
        Assert.EndsWith("/video.m3u8\n", server.Fetch("/live/cam.m3u8").Text, StringComparison.Ordinal);
        Assert.EndsWith("/video-whole.m3u8\n", server.Fetch("/live/cam.m3u8?low_latency=0").Text, StringComparison.Ordinal);
        Assert.EndsWith("/index.m3u8\n", server.Fetch("/live/cam.m3u8?container=ts").Text, StringComparison.Ordinal);
        var (low, whole) = (Get(server, Folder(server) + "video.m3u8").Text, Get(server, Folder(server) + "video-whole.m3u8").Text);
        Assert.DoesNotContain("PART", whole, StringComparison.Ordinal);
        Assert.Contains("PART", low, StringComparison.Ordinal);
        Assert.EndsWith(".ts\n", Get(server, Folder(server, "/live/cam.m3u8?container=ts") + "index.m3u8").Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--live.container=ts", "/index.m3u8\n")]
    [InlineData("--live.low_latency=false", "/video.m3u8\n")]
    public async Task Settings_choose_for_all(string setting, string child)
    {
        await using var server = await Start(null, setting);
        _ = new Feed(server).To(7.1);
        foreach (var query in (string[])["", "?low_latency=0", "?container=ts"])
        {
            var entry = server.Fetch("/live/cam.m3u8" + query).Text;
            Assert.True(entry.EndsWith(child, StringComparison.Ordinal) || (query.StartsWith("?low", StringComparison.Ordinal) && entry.EndsWith("-whole.m3u8\n", StringComparison.Ordinal)), entry);
        }
        Assert.DoesNotContain("PART", Get(server, Folder(server) + child.Trim('/', '\n')).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_MP4_does_not_carry_makes_the_stream_a_transport_stream()
    {
        await using var server = await Start();
        _ = new Feed(server, SyntheticStream.Mp3).To(7.1);
        var entry = server.Fetch("/live/cam.m3u8").Text;
        Assert.EndsWith("/index.m3u8\n", entry, StringComparison.Ordinal);
        Assert.Contains("mp4a.40.34", entry, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_wait_and_all_are_answered_with_the_part_that_came()
    {
        await using var server = await Start();
        var feed = new Feed(server).To(7.1);
        var folder = Folder(server);
        var waiting = Enumerable.Range(0, 300).Select(i => Ask(server, folder + (i % 2 == 0 ? "video.m3u8?_HLS_msn=3&_HLS_part=5" : "v3.5.m4s"))).ToList();
        UntilBlocked(server, 300);
        feed.To(7.3);
        var answers = waiting.ConvertAll(static w => w.Read());
        Assert.All(answers, static a => Assert.Equal(200, a.Status));
        Assert.Single(answers.Where((_, i) => i % 2 == 0).Select(static a => a.Text).Distinct());
        Assert.Single(answers.Where((_, i) => i % 2 == 1).Select(static a => Convert.ToHexString(a.Body)).Distinct());
        waiting.ForEach(static w => w.Dispose());
    }
}
