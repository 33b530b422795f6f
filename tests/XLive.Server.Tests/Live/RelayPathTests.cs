using System.Net;
using XLive.Server.Live;
using XLive.Server.Playback.Forward;
using XLive.Server.Rtmp;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Live;

/// <summary>The nodes that a stream came by: eight at most, and none of them twice.</summary>
public sealed class RelayPathTests
{
    private static readonly StreamName Cam = new("live", "cam");

    private static string Via(int nodes) => $"FMLE/3.0 (compatible; XLive; via {string.Join(' ', Enumerable.Range(1, nodes).Select(static n => $"node{n}"))})";

    [Fact]
    public void A_node_adds_itself_behind_those_before_it_up_to_eight()
    {
        var path = new RelayPath();
        var software = "OBS 32";
        for (var nodes = 1; nodes <= 8; nodes++)
        {
            Assert.True(path.TryExtend(software, out var longer));
            Assert.Equal((nodes, path.Own), (longer.Split(' ').Length, longer.Split(' ')[^1]));
            software = $"FMLE/3.0 (compatible; XLive; via {longer})";
            Assert.True(path.IsCircle(software));
            Assert.False(new RelayPath().IsCircle(software));
        }
        Assert.False(path.TryExtend(software, out _));
    }

    [Theory]
    [InlineData("FMLE/3.0 (compatible; XLive; via a\r\nb)")]
    [InlineData("FMLE/3.0 (compatible; XLive; via ../../x)")]
    public void What_is_no_node_goes_no_further(string software) => Assert.False(new RelayPath().TryExtend(software, out _));

    [Theory]
    [InlineData(7, true)]
    [InlineData(8, false)]
    public async Task A_stream_that_came_by_eight_nodes_is_not_forwarded(int nodes, bool isForwarded)
    {
        using var remote = new ScriptedRemote();
        await using var server = await TestServer.StartAsync($"--live.forward=[{{stream: live/cam, url: \"rtmp://127.0.0.1:{remote.Port}/app/cam\"}}]");
        var turn = server.Get<LiveStreams>().TryPublish(Cam, new Publisher("key-1", IPAddress.Loopback, "rtmp", Via(nodes)), out _)!;
        turn.Announce(Film.Video, turn.Begin);
        turn.Publish(new Film(new Random(7)).Next(turn.Begin));
        if (isForwarded)
        {
            Until.True(() => remote.Taken.Length > 0, "it is taken");
            // What the next node will read of it.
            Assert.Equal(Via(nodes)[..^1] + $" {server.Get<RelayPath>().Own})", remote.Asked[0]);
            return;
        }
        Until.Equal("it came by too many relays", () => server.Get<Forwards>().All.SingleOrDefault()?.Trouble, "what is wrong");
        Until.True(() => server.Log().Contains("live/cam is not forwarded: it came by too many relays; again in", StringComparison.Ordinal), "a line in the log");
        Assert.Equal((0, null), (remote.Connections, turn.EndedFor));
    }
}
