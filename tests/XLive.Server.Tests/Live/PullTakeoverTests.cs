using XLive.Server.Ingest.Pull;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Live;

/// <summary>Somebody publishes a name here whose stream is being fetched: before its first frame, and after its last.</summary>
public sealed class PullTakeoverTests
{
    private static readonly StreamName Cam = new("live", "cam");

    private static Task<TestServer> NodeAsync(ScriptedRemote remote, TimeProvider clock, bool onDemand = false) =>
        TestServer.StartAsync(clock, $"--live.pull=[{{stream: live/cam, url: \"rtmp://127.0.0.1:{remote.Port}/app/cam\", on_demand: {(onDemand ? "true" : "false")}}}]", "--live.takeover=replace");

    [Fact]
    public async Task Who_comes_before_the_first_frame_keeps_the_name_and_is_given_to_who_asked()
    {
        using var begun = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        using var remote = new ScriptedRemote
        {
            BeforeFrames = () =>
            {
                begun.Set();
                go.Wait();
            },
        };
        await using var node = await NodeAsync(remote, new HandClock(), onDemand: true);
        var pull = node.Get<Pulls>().All.Single();
        var asked = pull.WantAsync().AsTask();
        Until.True(() => begun.IsSet, "the other side has begun");
        // live.takeover is for publishers: what is fetched takes nothing from any of them.
        using var film = new Broadcast(node, Cam);
        Assert.False(asked.IsCompleted);
        go.Set();
        Assert.Equal(SourceState.There, (await asked).State);
        Until.True(() => remote.Open == 0 && !pull.IsRunning, "the connection that nobody needs");
        var stream = node.Get<LiveStreams>().All.Single();
        Assert.Same(film.Turn, stream.Publication);
        Assert.Equal((null, Pulls.PublishedHere, 1), (film.Turn.EndedFor, pull.Trouble, remote.Connections));
        Assert.DoesNotContain("is not fetched", node.Log(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_that_has_fallen_silent_is_left_at_once_when_it_is_taken_over()
    {
        using var remote = new ScriptedRemote { Most = 1 };
        var clock = new HandClock();
        await using var node = await NodeAsync(remote, clock);
        clock.Pass(TimeSpan.FromSeconds(1));
        var streams = node.Get<LiveStreams>();
        Until.True(() => streams.TryFind(Cam, out var found) && found.Publication is { Received: > 0 }, "it is fetched");
        var fetched = streams.All.Single().Publication!;
        using var film = new Broadcast(node, Cam);
        // Not when its nine seconds are over: no time passes here.
        Until.Equal(0, () => remote.Open, "connections to the other side");
        Assert.Equal((PublishEnd.TakenOver, null), (fetched.EndedFor, film.Turn.EndedFor));
        Until.Equal(Pulls.PublishedHere, () => node.Get<Pulls>().All.Single().Trouble, "what is wrong");
        Assert.Equal(1, remote.Connections);
    }

    [Fact]
    public async Task A_source_that_never_sent_anything_holds_no_name_and_is_given_up()
    {
        using var remote = new ScriptedRemote { Most = 0 };
        var clock = new HandClock();
        await using var node = await NodeAsync(remote, clock);
        clock.Pass(TimeSpan.FromSeconds(1));
        Until.True(() => remote.Asked.Length == 2, "it is asked for the stream");
        Assert.Equal(0, node.Get<LiveStreams>().Count);
        using var film = new Broadcast(node, Cam);
        Until.True(() =>
        {
            clock.Pass(TimeSpan.FromSeconds(0.5));
            return remote.Open == 0;
        }, "the end of its connection");
        Until.Equal(Pulls.PublishedHere, () => node.Get<Pulls>().All.Single().Trouble, "what is wrong");
        for (var looks = 0; looks < 3; looks++)
            clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal((1, null), (remote.Connections, film.Turn.EndedFor));
    }
}
