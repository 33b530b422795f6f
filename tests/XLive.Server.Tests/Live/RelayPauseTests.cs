using System.Globalization;
using System.Text.RegularExpressions;
using XLive.Server.Live;
using XLive.Server.Playback.Forward;
using XLive.Server.Rtmp;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Live;

/// <summary>How long another server is left alone: longer each time, until it has held for twice the silence that would have ended it.</summary>
public sealed partial class RelayPauseTests
{
    private static readonly StreamName Cam = new("live", "cam");
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(18);

    // A quarter more or less, and what it is rounded by in the log.
    private static void AssertAbout(double seconds, double pause) => Assert.InRange(pause, (seconds * 0.75) - 0.05, (seconds * 1.25) + 0.05);

    [Fact]
    public void It_doubles_to_half_a_minute_and_begins_anew_behind_what_held()
    {
        var pause = new RelayPause();
        foreach (var seconds in (double[])[1, 2, 4, 8, 16, 30, 30])
            AssertAbout(seconds, pause.Next(default).TotalSeconds);
        AssertAbout(30, pause.Next(Settled).TotalSeconds);
        AssertAbout(1, pause.Next(Settled + TimeSpan.FromTicks(1)).TotalSeconds);
        AssertAbout(2, pause.Next(default).TotalSeconds);
    }

    [Fact]
    public void Nodes_that_lost_one_server_do_not_come_back_at_once()
    {
        var first = Enumerable.Range(0, 50).Select(static _ => new RelayPause().Next(default)).ToList();
        Assert.True(first.Max() - first.Min() > TimeSpan.FromSeconds(0.2), $"all within {first.Max() - first.Min()}");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task One_that_held_is_asked_again_after_a_second_and_one_that_did_not_later(bool isForward)
    {
        using var remote = new ScriptedRemote { Refusal = "no" };
        var clock = new HandClock();
        await using var node = await TestServer.StartAsync(clock, $"--live.{(isForward ? "forward" : "pull")}=[{{stream: live/cam, url: \"rtmp://127.0.0.1:{remote.Port}/app/cam\"}}]");
        using var cam = isForward ? new Broadcast(node, Cam) : null;
        Pass(clock, remote, () => Pauses(node).Count == 3, "three refusals");
        remote.Refusal = null;
        Pass(clock, remote, () => IsHeld(node, isForward), "it comes");
        Hold(clock, node, isForward, Settled - TimeSpan.FromSeconds(4));
        remote.CutAll();
        Until.Equal(4, () => Pauses(node).Count, "losses that were told");
        Pass(clock, remote, () => IsHeld(node, isForward), "it comes again");
        Hold(clock, node, isForward, Settled + TimeSpan.FromSeconds(1));
        remote.CutAll();
        Until.Equal(5, () => Pauses(node).Count, "losses that were told");
        foreach (var (seconds, pause) in ((double[])[1, 2, 4, 8, 1]).Zip(Pauses(node)))
            AssertAbout(seconds, pause);
    }

    private static bool IsHeld(TestServer node, bool isForward) => isForward
        ? node.Get<Forwards>().All.SingleOrDefault()?.IsTaken == true
        : node.Get<LiveStreams>().TryFind(Cam, out var stream) && stream.Publication is { Received: > 0 };

    // While nobody is connected: what is waited for is the pause, and not patience.
    private static void Pass(HandClock clock, ScriptedRemote remote, Func<bool> until, string what) => Until.True(() =>
    {
        if (until())
            return true;
        if (remote.Open == 0)
            clock.Pass(TimeSpan.FromSeconds(0.2));
        return false;
    }, what);

    // A second at a time, and each brings frames: what is silent for nine is lost.
    private static void Hold(HandClock clock, TestServer node, bool isForward, TimeSpan time)
    {
        for (var held = TimeSpan.Zero; held < time; held += TimeSpan.FromSeconds(1))
        {
            var turn = node.Get<LiveStreams>().All.Single().Publication!;
            var before = turn.Received;
            clock.Pass(TimeSpan.FromSeconds(1));
            Until.True(() => turn.Received > before, "frames");
            Assert.True(IsHeld(node, isForward), $"it was lost after {held}");
        }
    }

    private static List<double> Pauses(TestServer node) =>
        [.. Again().Matches(node.Log()).Select(static m => double.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture))];

    [GeneratedRegex("live/cam is not .*; again in ([0-9.]+) s")]
    private static partial Regex Again();
}
