using XLive.Media.Tests.Rtmp;
using XLive.Server.Ingest.Pull;
using XLive.Server.Live;
using XLive.Server.Playback.Forward;
using XLive.Server.Settings;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Live;

/// <summary>Pulls and forwards while something else changes: who publishes here, and what the settings say.</summary>
public sealed class RelayChangeTests
{
    private static readonly StreamName Cam = new("live", "cam");

    private static string Entry(ScriptedRemote remote, string stream = "live/cam", string rest = "") => Entry(remote.Port, stream, rest);

    private static string Entry(int port, string stream = "live/cam", string rest = "") => $"{{stream: {stream}, url: \"rtmp://127.0.0.1:{port}/app/cam\"{rest}}}";

    private static void Reload(TestServer server, string live)
    {
        File.WriteAllText(Path.Combine(server.Folder, "conf.yaml"), live);
        Assert.Empty(server.Get<ServerSettings>().Reload());
    }

    private static bool Comes(TestServer server, in StreamName name) =>
        server.Get<LiveStreams>().TryFind(name, out var stream) && stream.Publication is { Publisher.Key: PullFeed.Key, Received: > 0 };

    [Fact]
    public async Task Who_publishes_here_may_take_a_fetched_stream_over_and_it_comes_back_after_him()
    {
        using var remote = new ScriptedRemote();
        await using var node = await TestServer.StartAsync($"--live.pull=[{Entry(remote)}]", "--live.takeover=replace");
        Until.True(() => Comes(node, Cam), "it is fetched");
        var stream = node.Get<LiveStreams>().All.Single();
        using var viewer = stream.Watch();
        var film = new Broadcast(node, Cam);
        Until.Equal(Pulls.PublishedHere, () => node.Get<Pulls>().All.Single().Trouble, "what is wrong");
        Assert.Equal((1, "test"), (remote.Connections, stream.Publication!.Publisher.Protocol));
        Assert.False(stream.IsOver);
        film.End(PublishEnd.Lost);
        Until.True(() => Comes(node, Cam), "and again");
        Assert.Same(stream, node.Get<LiveStreams>().All.Single());
        Until.Equal((2, ""), () => (remote.Connections, node.Get<Pulls>().All.Single().Trouble), "nothing is wrong");
    }

    [Fact]
    public async Task While_takeover_is_refused_a_fetched_stream_keeps_its_name()
    {
        using var remote = new ScriptedRemote();
        await using var node = await TestServer.StartAsync($"--live.pull=[{Entry(remote)}]");
        Until.True(() => Comes(node, Cam), "it is fetched");
        Assert.Null(node.Get<LiveStreams>().TryPublish(Cam, Film.Somebody, out var refusal));
        Assert.Equal("already publishing", refusal);
    }

    [Fact]
    public async Task On_demand_it_begins_again_when_he_who_took_it_over_has_gone()
    {
        using var remote = new ScriptedRemote();
        await using var node = await TestServer.StartAsync($"--live.pull=[{Entry(remote, rest: ", on_demand: true")}]", "--live.takeover=replace", "--live.idle_timeout=1s");
        var pull = node.Get<Pulls>().All.Single();
        await pull.WantAsync();
        Until.True(() => Comes(node, Cam), "somebody asked");
        var film = new Broadcast(node, Cam);
        Until.True(() => !pull.IsRunning, "it is not fetched beside him");
        film.End(PublishEnd.Finished);
        // Nobody asked meanwhile. Who asks now need not wait for what is no failure.
        Assert.Equal(SourceState.There, (await Until.Some(pull.WantAsync, static a => a.State == SourceState.There)).State);
        Assert.Equal(2, remote.Connections);
    }

    [Fact]
    public async Task A_pull_is_added_changed_and_removed_while_streams_run()
    {
        using var first = new ScriptedRemote();
        using var second = new ScriptedRemote();
        using var beside = new ScriptedRemote();
        await using var node = await TestServer.StartAsync();
        var streams = node.Get<LiveStreams>();
        Reload(node, $"live: {{pull: [{Entry(first)}, {Entry(beside, "live/beside")}]}}");
        Until.True(() => Comes(node, Cam) && Comes(node, new StreamName("live", "beside")), "added");
        Assert.True(streams.TryFind(Cam, out var stream));
        using var viewer = stream.Watch();

        Reload(node, $"live: {{pull: [{Entry(beside, "live/beside")}, {Entry(second)}]}}");
        Until.True(() => second.Connections == 1 && Comes(node, Cam), "from elsewhere");
        // For who watches it is a loss that was mended.
        Assert.True(streams.TryFind(Cam, out var now));
        Assert.Same(stream, now);
        Assert.Equal((1, 1), (first.Connections, beside.Connections));

        Reload(node, $"live: {{pull: [{Entry(beside, "live/beside")}]}}");
        Until.True(() => stream.IsOver, "removed");
        Assert.Equal((1, 1), (streams.Count, node.Get<Pulls>().All.Count));
        Assert.True(Comes(node, new StreamName("live", "beside")));
        Assert.Equal((1, 1, 1), (first.Connections, second.Connections, beside.Connections));
    }

    [Fact]
    public async Task A_forward_is_added_changed_and_removed_while_streams_run()
    {
        using var first = new ScriptedRemote();
        using var second = new ScriptedRemote();
        using var beside = new ScriptedRemote();
        await using var server = await TestServer.StartAsync();
        using var film = new Broadcast(server, Cam);
        var stream = server.Get<LiveStreams>().All.Single();
        Reload(server, $"live: {{forward: [{Entry(first)}, {Entry(beside)}]}}");
        Until.True(() => first.Taken.Length > 20 && beside.Taken.Length > 20, "added");
        Reload(server, $"live: {{forward: [{Entry(beside)}, {Entry(second)}]}}");
        Until.True(() => second.Taken.Length > 20 && first.Open == 0, "to elsewhere");
        Until.Equal(2, () => stream.ViewersOf(ViewerKind.Forward), "forwards");
        Assert.Equal(1, beside.Connections);
        Reload(server, "live: {forward: []}");
        Until.True(() => second.Open + beside.Open == 0, "removed");
        Until.Equal(0, () => stream.Viewers, "viewers");
        Until.Equal(0, () => server.Get<Forwards>().All.Count, "forwards");
        Assert.Null(film.Turn.EndedFor);
    }

    [Fact]
    public async Task A_forward_that_is_removed_is_no_loss_to_its_target_but_an_end_at_once()
    {
        var port = FreePort.Next();
        await using var target = await TestServer.StartAsync($"--rtmp.port={port}", "--auth.enable=false");
        await using var server = await TestServer.StartAsync();
        using var film = new Broadcast(server, Cam);
        Reload(server, $"live: {{forward: [{{stream: live/cam, url: \"rtmp://127.0.0.1:{port}/live/copy\"}}]}}");
        LiveStream? copy = null;
        Until.True(() => target.Get<LiveStreams>().TryFind(new StreamName("live", "copy"), out copy) && copy.Publication is { Received: > 0 }, "it is taken");
        var turn = copy!.Publication!;
        Reload(server, "live: {forward: []}");
        Until.True(() => turn.EndedFor is not null, "its end");
        Assert.Equal((PublishEnd.Finished, true), (turn.EndedFor, copy.IsOver));
        Assert.Null(film.Turn.EndedFor);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Good_bye_comes_before_the_end_of_the_connection(bool isRemoved)
    {
        using var remote = new LyingRemote(static p => p.Begin().Listen());
        await using var server = await TestServer.StartAsync();
        var film = new Broadcast(server, Cam);
        Reload(server, $"live: {{forward: [{Entry(remote.Port)}]}}");
        Until.True(() => remote.Received > 20_000, "it is taken");
        if (isRemoved)
            Reload(server, "live: {forward: []}");
        else
            film.End(PublishEnd.Finished);
        Until.Equal(0, () => remote.Open, "connections");
        Assert.Equal(["connect", "releaseStream", "FCPublish", "createStream", "publish", "FCUnpublish", "deleteStream", "end"], remote.Heard);
        film.Dispose();
    }

    [Theory]
    [InlineData("removed")]
    [InlineData("unanswered")]
    [InlineData("refused")]
    public async Task What_was_asked_for_and_not_begun_is_taken_back_and_what_was_refused_is_not(string how)
    {
        string[] asked = ["connect", "releaseStream", "FCPublish", "createStream", "publish"];
        using var remote = new LyingRemote(p =>
        {
            p.Ask();
            if (how == "refused")
                p.Say(Wire.Command(1, "onStatus", 0, null, LyingRemote.Status("NetStream.Publish.BadName", "error")));
            p.Listen();
        });
        var clock = new HandClock();
        await using var server = await TestServer.StartAsync(clock);
        Reload(server, $"live: {{forward: [{Entry(remote.Port)}]}}");
        using var film = new Broadcast(server, Cam);
        Until.True(() => server.Get<LiveStreams>().All.Single().HasFrames, "a frame");
        clock.Pass(TimeSpan.FromSeconds(1));
        Until.True(() => remote.Heard.Length >= asked.Length, "it is asked for");
        // Time stands still while it says good-bye, for which it has two seconds.
        if (how == "unanswered")
            clock.Pass(TimeSpan.FromSeconds(10));
        if (how == "removed")
        {
            int Due(double seconds) => clock.Timers.Count(t => t == TimeSpan.FromSeconds(seconds));
            var others = Due(10) - 1;
            Reload(server, "live: {forward: []}");
            clock.Pass(TimeSpan.FromSeconds(1));
            Until.Equal(others, () => Due(9), "nobody waits ten seconds any more");
            clock.Pass(TimeSpan.FromSeconds(2));
        }
        Until.True(() => remote.Heard.Contains("end"), "the end of its connection");
        Assert.Equal([.. asked, .. how == "refused" ? (string[])[] : ["FCUnpublish", "deleteStream"], "end"], remote.Heard);
        Assert.Null(film.Turn.EndedFor);
    }

    [Fact]
    public async Task A_target_that_takes_nothing_keeps_a_removed_forward_no_longer_than_a_moment()
    {
        using var stop = new ManualResetEventSlim();
        using var remote = new LyingRemote(p =>
        {
            p.Begin();
            stop.Wait();
        });
        var clock = new HandClock();
        await using var server = await TestServer.StartAsync(clock);
        // More than both sockets hold.
        var film = Film.Publish(server, Cam);
        var frames = new Film(new Random(1)) { MostBytes = 200_000 };
        film.Publish(frames.Next(film.Begin));
        Reload(server, $"live: {{forward: [{Entry(remote.Port)}]}}");
        clock.Pass(TimeSpan.FromSeconds(1));
        Until.True(() => server.Get<Forwards>().All.SingleOrDefault()?.IsTaken == true, "it is taken");
        for (var i = 0; i < 200; i++)
            film.Publish(frames.Next(film.Begin));
        Reload(server, "live: {forward: []}");
        // Two seconds for what is on its way, two for the good-bye, and the looks that find both.
        for (var seconds = 0; seconds < 6; seconds++)
        {
            clock.Pass(TimeSpan.FromSeconds(1));
            Thread.Sleep(100);
        }
        Until.Equal(0, () => server.Get<LiveStreams>().All.Single().Viewers, "viewers");
        stop.Set();
    }
}
