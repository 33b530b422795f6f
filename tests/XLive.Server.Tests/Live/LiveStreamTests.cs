using Microsoft.Extensions.Logging.Abstractions;
using XLive.Media;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Live;

public sealed class LiveStreamTests
{
    private static readonly StreamName Name = new("live", "a");

    private readonly HandClock _clock = new();
    private readonly LiveOptions _options = new();
    private readonly LiveStreams _streams;
    private readonly Sink _sink = new();

    public LiveStreamTests()
    {
        _streams = new LiveStreams(() => _options, _clock, NullLogger<LiveStreams>.Instance);
        _streams.Package(_ => _sink);
    }

    private sealed class Sink : IFrameSink
    {
        public List<string> Said { get; } = [];
        public Exception? Trouble { get; set; }

        public void Take(in Frame frame, bool discontinuity)
        {
            if (Trouble is not null)
                throw Trouble;
            Said.Add((discontinuity ? "cut " : "frame ") + frame.Decoded.Milliseconds);
        }

        public void Pause() => Said.Add("pause");

        public void End() => Said.Add("end");
    }

    private Publication Publish(Publisher? by = null)
    {
        var turn = _streams.TryPublish(Name, by ?? Film.Somebody, out var refusal);
        Assert.True(turn is not null, refusal);
        return turn;
    }

    private static Frame At(Publication turn, long milliseconds) =>
        new(Film.Video, turn.Begin + milliseconds * Timestamp.PerMillisecond, 0, FrameFlags.Key, new byte[100]);

    [Fact]
    public void A_publisher_that_comes_back_in_time_goes_on_where_he_was()
    {
        var turn = Publish();
        turn.Announce(Film.Video, turn.Begin);
        turn.Publish(At(turn, 0));
        turn.Publish(At(turn, 1000));
        turn.End(PublishEnd.Lost);
        _clock.Pass(TimeSpan.FromSeconds(29));
        Assert.True(_streams.TryFind(Name, out var stream) && !stream.IsOver);
        var again = Publish();
        again.Publish(At(again, 0));
        _clock.Pass(TimeSpan.FromMinutes(1));
        Assert.False(stream.IsOver);
        Assert.Equal(["frame 0", "frame 1000", "pause", "cut 1040"], _sink.Said);
        again.End(PublishEnd.Finished);
        Assert.Equal("end", _sink.Said[^1]);
        Assert.True(stream.IsOver);
        Assert.Equal((0, 0), (_streams.Count, _streams.MemoryBytes));
    }

    [Fact]
    public void One_that_does_not_come_back_ends_for_good()
    {
        var turn = Publish();
        turn.Publish(At(turn, 0));
        turn.End(PublishEnd.Lost);
        _clock.Pass(TimeSpan.FromSeconds(31));
        Until.True(() => _streams.Count == 0, "its time is over");
        Assert.Equal(["frame 0", "pause", "end"], _sink.Said);
        Assert.Equal((0, 0), (_streams.Count, _streams.MemoryBytes));
        // What comes too late is nothing.
        turn.Publish(At(turn, 1));
        Assert.Equal(3, _sink.Said.Count);
    }

    [Fact]
    public void Another_is_refused_or_takes_over()
    {
        var first = Publish();
        var other = Film.Somebody with { Key = "key-2" };
        Assert.Null(_streams.TryPublish(Name, other, out var refusal));
        Assert.Equal("already publishing", refusal);
        _options.Takeover = Takeover.Replace;
        var second = Publish(other);
        Assert.Equal(PublishEnd.TakenOver, first.EndedFor);
        first.Publish(At(first, 0));
        Assert.Empty(_sink.Said);
        second.Publish(At(second, 0));
        Assert.Equal(["frame 0"], _sink.Said);
        Assert.True(first.Cut.WaitHandle.WaitOne(TimeSpan.FromSeconds(10)));
        // The first one's own end, which comes now, is not the second's.
        first.End(PublishEnd.Lost);
        Assert.Same(second, _streams.All.Single().Publication);
    }

    [Fact]
    public void The_same_key_replaces_a_connection_that_fell_silent()
    {
        var first = Publish();
        first.Publish(At(first, 0));
        _clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Null(_streams.TryPublish(Name, Film.Somebody, out _));
        _clock.Pass(TimeSpan.FromSeconds(1.5));
        Assert.Null(_streams.TryPublish(Name, Film.Somebody with { Key = "key-2" }, out _));
        var second = Publish();
        Assert.Equal(PublishEnd.TakenOver, first.EndedFor);
        second.Publish(At(second, 0));
        Assert.Equal(["frame 0", "cut 40"], _sink.Said);
    }

    [Fact]
    public void A_packager_that_fails_is_left_out_and_the_others_go_on()
    {
        var other = new Sink();
        _streams.Package(_ => other);
        var turn = Publish();
        _sink.Trouble = new InvalidOperationException("no room");
        turn.Publish(At(turn, 0));
        _sink.Trouble = null;
        turn.Publish(At(turn, 40));
        turn.End(PublishEnd.Finished);
        Assert.Empty(_sink.Said);
        Assert.Equal(["frame 0", "frame 40", "end"], other.Said);
    }

    [Fact]
    public async Task Few_viewers_are_woken_by_each_frame_and_many_by_a_batch()
    {
        var turn = Publish();
        _clock.Pass(TimeSpan.FromSeconds(1));
        Assert.True(_streams.TryFind(Name, out var stream));
        using (var one = stream.Watch())
        {
            var coming = one.Coming;
            turn.Publish(At(turn, 0));
            await coming.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        }
        var many = Enumerable.Range(0, 100).Select(_ => stream.Watch()).ToArray();
        var next = many[0].Coming;
        turn.Publish(At(turn, 10));
        Assert.False(next.IsCompleted);
        _clock.Pass(TimeSpan.FromMilliseconds(20));
        await next.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        foreach (var viewer in many)
            viewer.Dispose();
        Assert.Equal(0, stream.Viewers);
    }

    [Fact]
    public void Chunks_are_made_while_somebody_watches_them_and_share_the_memory_of_frames()
    {
        _options.MemoryPerStream = 4 << 20;
        var turn = Publish();
        turn.Announce(Film.Video, turn.Begin);
        turn.Announce(Film.Audio, turn.Begin);
        var film = new Film(new Random(5));
        Assert.True(_streams.TryFind(Name, out var stream));
        void Go(int frames)
        {
            for (var i = 0; i < frames; i++)
                turn.Publish(film.Next(turn.Begin));
        }
        Go(500);
        Assert.InRange(stream.Bytes, 900_000, 1 << 20);
        using (var flv = stream.Watch())
        {
            var rtmp = stream.Watch(ViewerKind.Rtmp);
            Assert.Equal((2, 1, 0, 1), (stream.Viewers, stream.ViewersOf(ViewerKind.Flv), stream.ViewersOf(ViewerKind.WsFlv), stream.ViewersOf(ViewerKind.Rtmp)));
            // Both from the same picture on, as was sent before one of them came.
            Assert.Equal(flv.From, rtmp.From);
            Assert.True(flv.TryRead(1, out var tag));
            Assert.True(rtmp.TryRead(1, out var chunks));
            Assert.Equal(tag.Bytes[11..^4].ToArray()[..1000], chunks.Bytes[12..].ToArray()[..1000]);
            tag.Owner.Release();
            chunks.Owner.Release();
            Go(500);
            Assert.InRange(stream.Bytes, 900_000, 1 << 20);
            rtmp.Dispose();
        }
        _clock.Pass(TimeSpan.FromSeconds(29));
        using (stream.Watch(ViewerKind.Rtmp))
            Go(1);
        _clock.Pass(TimeSpan.FromSeconds(31));
        Go(1);
        // Only the tags are left, and may fill all of it again.
        Assert.InRange(stream.Bytes, 0, 1 << 19);
        Go(500);
        Assert.InRange(stream.Bytes, 900_000, 1 << 20);
        using (stream.Watch(ViewerKind.Rtmp))
            turn.End(PublishEnd.Finished);
        Assert.Equal((0, 0), (_streams.Count, _streams.MemoryBytes));
    }

    [Fact]
    public void A_name_that_nobody_publishes_is_nothing()
    {
        for (var i = 0; i < 1000; i++)
            Assert.False(_streams.TryFind(new StreamName("live", "x" + i), out _));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(_streams.TryFind(Name, out _));
        Assert.Equal((0, 0), (GC.GetAllocatedBytesForCurrentThread() - before, _streams.Count));
    }
}
