using XLive.Media.Rtmp;
using XLive.Server.Live;
using XLive.Server.Playback.Forward;
using XLive.Server.Rtmp;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Live;

/// <summary>Streams pushed on to other servers.</summary>
public sealed class ForwardTests
{
    private static readonly StreamName Cam = new("live", "cam");

    private static Task<TestServer> StartAsync(int port, params string[] settings) =>
        TestServer.StartAsync([$"--live.forward=[{{stream: live/*, url: \"rtmp://127.0.0.1:{port}/app/{{app}}-{{stream}}?key=sk_secret\"}}]", .. settings]);

    private static bool IsConfiguration((RtmpMessageType Type, uint, byte[] Payload) message) =>
        message.Type is RtmpMessageType.Audio or RtmpMessageType.Video && message.Payload[1] == 0;

    [Fact]
    public async Task From_a_keyframe_with_its_times_and_anew_after_a_loss_until_the_stream_ends()
    {
        using var remote = new ScriptedRemote();
        await using var server = await StartAsync(remote.Port);
        var film = new Broadcast(server, Cam);
        Until.True(() => remote.Taken.Length > 50, "it is taken");
        Assert.Contains("live-cam?key=sk_secret", remote.Asked);
        var taken = remote.Taken;
        Assert.Equal([true, true, false], taken.Take(3).Select(IsConfiguration));
        // A key frame of AVC: 0x17.
        Assert.Equal(0x17, taken.First(static t => t.Type == RtmpMessageType.Video && t.Payload[1] == 1).Payload[0]);
        foreach (var track in taken.GroupBy(static t => t.Type))
            Assert.Equal(track.Select(static t => t.Timestamp).Order(), track.Select(static t => t.Timestamp));
        Assert.InRange(taken[^1].Timestamp, 100u, 60_000u);

        remote.CutAll();
        Until.True(() => remote.Connections == 2 && remote.Taken.Count(IsConfiguration) == 4, "it is pushed anew, and what it is");
        var stream = server.Get<LiveStreams>().All.Single();
        Assert.Equal(stream.Viewers, stream.ViewersOf(ViewerKind.Forward));
        film.End(PublishEnd.Finished);
        Until.Equal(0, () => server.Get<Forwards>().All.Count, "forwards of a stream that is over");
        Assert.Equal(0, stream.Viewers);
        Assert.DoesNotContain("sk_secret", server.Log(), StringComparison.Ordinal);
        Assert.Contains("live/cam: forwarded to 127.0.0.1:", server.Log(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_target_that_refuses_is_asked_again_later_and_the_stream_goes_on()
    {
        using var remote = new ScriptedRemote { Refusal = "no" };
        await using var server = await StartAsync(remote.Port);
        using var film = new Broadcast(server, Cam);
        Until.True(() => remote.Connections >= 2, "two tries");
        Assert.Equal("127.0.0.1:" + remote.Port + " refused: NetStream.Publish.BadName", server.Get<Forwards>().All.Single().Trouble);
        Assert.Null(film.Turn.EndedFor);
        remote.Refusal = null;
        Until.True(() => remote.Taken.Length > 0, "taken in the end");
    }

    [Fact]
    public async Task What_comes_round_in_a_circle_is_refused()
    {
        var port = FreePort.Next();
        await using var server = await TestServer.StartAsync($"--rtmp.port={port}", "--auth.enable=false", $"--live.forward=[{{stream: live/*, url: \"rtmp://127.0.0.1:{port}/live/{{stream}}-again\"}}]");
        using var film = new Broadcast(server, Cam);
        Until.True(() => server.Get<RtmpConnections>().Refused >= 2, "refused, twice");
        Assert.Equal(1, server.Get<LiveStreams>().Count);
    }

    [Theory]
    [InlineData("[{stream: live/*, url: \"rtmp://h/a/b\"}]", "it needs {stream}")]
    [InlineData("[{stream: live/cam, url: \"http://h/a/b\"}]", "is no rtmp:// or rtmps:// URL")]
    public async Task What_cannot_be_forwarded_to_stops_the_start(string value, string why)
    {
        var fault = await Assert.ThrowsAsync<XLive.Server.Settings.SettingsException>(() => TestServer.StartAsync("--live.forward=" + value));
        Assert.Contains(why, fault.Faults[0].ToString(), StringComparison.Ordinal);
    }
}
