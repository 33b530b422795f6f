using System.Text;
using XLive.Server.Ingest.Pull;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Live;

/// <summary>Streams of other servers, fetched when somebody asks for them or always.</summary>
public sealed class PullTests
{
    private static readonly StreamName Cam = new("live", "cam");

    private static Task<TestServer> NodeAsync(string url, string stream = "live/cam", bool onDemand = true) =>
        TestServer.StartAsync($"--live.pull=[{{stream: {stream}, url: \"{url}\", on_demand: {(onDemand ? "true" : "false")}}}]", "--live.idle_timeout=1s");

    private static string FlvOf(TestServer origin) => $"http://127.0.0.1:{origin.Port}{TestServer.Signed("/live/cam.flv")}";

    [Fact]
    public async Task The_first_viewer_begins_it_and_some_time_after_the_last_it_ends()
    {
        await using var origin = await TestServer.StartAsync();
        using var film = new Broadcast(origin, Cam);
        await using var node = await NodeAsync(FlvOf(origin));
        var (here, there) = (node.Get<LiveStreams>(), origin.Get<LiveStreams>().All.Single());
        Assert.Equal((0, 0), (here.Count, there.Viewers));
        using (var viewer = node.Connect())
        {
            // On a busy machine the first try may take longer than a viewer waits: he is told when to come again.
            Until.True(() =>
            {
                viewer.Send(RawClient.Request("GET", TestServer.Signed("/live/cam.flv")));
                var head = viewer.ReadHead();
                if (head.Status == 200)
                    return true;
                Assert.Equal((503, true), (head.Status, head["Retry-After"] is { Length: > 0 }));
                viewer.ReadBody(head.ContentLength);
                return false;
            }, "the stream comes");
            Assert.StartsWith("FLV", Encoding.ASCII.GetString(viewer.ReadBody(20)).Split('\n')[1], StringComparison.Ordinal);
            var fetched = here.All.Single();
            Assert.Equal("pull from 127.0.0.1:" + origin.Port, fetched.Publication!.Publisher.Software);
            Assert.Equal((1, 1280, 1), (there.Viewers, fetched.Video!.Width, fetched.Viewers));
            // One who watches keeps it, however long: three times the time that an idle one has.
            Until.True(() => fetched.Publication.Since < DateTimeOffset.UtcNow.AddSeconds(-3), "three seconds");
            Assert.Equal(1, there.Viewers);
        }
        Until.Equal(0, () => here.Count, "streams when nobody watches");
        Until.Equal(0, () => there.Viewers, "viewers at the origin");
        // And again.
        Until.True(() => node.Fetch("/live/cam.m3u8").Status == 200, "the next viewer's");
        Assert.DoesNotContain("token=" + TestServer.Grant().Split("token=")[1], node.Log(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Over_RTMP_and_through_a_loss()
    {
        using var remote = new ScriptedRemote();
        await using var node = await NodeAsync($"rtmp://127.0.0.1:{remote.Port}/app/cam?key=sk_secret", onDemand: false);
        var streams = node.Get<LiveStreams>();
        Until.True(() => streams.TryFind(Cam, out var found) && found.HasFrames, "it is always held");
        Assert.Contains("cam?key=sk_secret", remote.Asked);
        var stream = streams.All.Single();
        remote.CutAll();
        Until.True(() => remote.Connections == 2 && stream.Publication is { Received: > 0 }, "fetched anew");
        Assert.Same(stream, streams.All.Single());
        Assert.DoesNotContain("sk_secret", node.Log(), StringComparison.Ordinal);
    }

    /// <summary>An operator finds the stream and the host that it comes from; where it lies there may be a key, the query and the password are some.</summary>
    [Theory]
    [InlineData("rtmp")]
    [InlineData("http")]
    public async Task The_stream_and_its_host_are_named_wherever_it_is_told_of_and_nothing_more_of_the_URL(string scheme)
    {
        using var remote = new ScriptedRemote { Refusal = "none" };
        await using var origin = await TestServer.StartAsync();
        using var film = new Broadcast(origin, Cam);
        var isHttp = scheme == "http";
        var host = $"127.0.0.1:{(isHttp ? origin.Port : remote.Port)}";
        var grant = TestServer.Prefix();
        var url = isHttp ? $"http://sk_user:sk_word@{host}{grant}/live/cam.flv?key=sk_query" : $"rtmp://{host}/sk_app/sk_name?key=sk_query";
        await using var node = await TestServer.StartAsync("--auth.enable=false", $"--live.pull=[{{stream: live/here, url: \"{url}\"}}]");
        if (!isHttp)
        {
            Until.True(() => node.Log().Contains($"live/here is not fetched: {host} refused: NetStream.Play.StreamNotFound; again in", StringComparison.Ordinal), "its trouble in the log");
            remote.Refusal = null;
        }
        Until.True(() => node.Get<LiveStreams>().TryFind(new StreamName("live", "here"), out var found) && found.HasFrames, "it comes");
        Until.True(() => node.Log().Contains($"live/here: fetched from {host}", StringComparison.Ordinal), "its beginning in the log");
        Assert.Equal("", node.Get<Pulls>().All.Single().Trouble);
        using var client = new HttpClient();
        var told = "";
        foreach (var page in (string[])["/streams", "/stats", "/metrics"])
            told += (await client.GetStringAsync(new Uri($"http://127.0.0.1:{node.Port}{page}"), TestContext.Current.CancellationToken)).Replace(" ", "", StringComparison.Ordinal);
        foreach (var part in (string[])["\"name\":\"live/here\"", $"\"protocol\":\"{(isHttp ? "http-flv" : "rtmp")}\"", $"\"software\":\"pullfrom{host}\"", "\"stream\":\"live/here\""])
            Assert.Contains(part, told, StringComparison.Ordinal);
        foreach (var log in (string[])["xlive.log", "error.log", "audit.log", "access.log"])
            told += node.Log(log);
        Assert.Contains("publishes live/here over", told, StringComparison.Ordinal);
        foreach (var secret in (string[])["sk_app", "sk_name", "sk_query", "sk_user", "sk_word", grant])
            Assert.DoesNotContain(secret, told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_other_side_has_not_is_404_and_asking_again_asks_nobody()
    {
        using var remote = new ScriptedRemote { Refusal = "none" };
        await using var node = await NodeAsync($"rtmp://127.0.0.1:{remote.Port}/app/cam");
        var answer = node.Fetch("/live/cam.m3u8");
        Assert.Equal((404, 0), (answer.Status, node.Get<LiveStreams>().Count));
        for (var i = 0; i < 20; i++)
            Assert.InRange(int.Parse(node.Fetch("/live/cam.flv")["Retry-After"]!, System.Globalization.CultureInfo.InvariantCulture), 1, 3);
        Assert.InRange(remote.Connections, 1, 10);
        Assert.Equal(404, node.Fetch("/live/other.m3u8").Status);
    }

    [Fact]
    public async Task A_side_that_is_away_is_503_and_says_when_to_come_again()
    {
        await using var node = await NodeAsync($"http://127.0.0.1:{FreePort.Next()}/live/cam.flv");
        var answer = node.Fetch("/live/cam.flv");
        Assert.Equal(503, answer.Status);
        Assert.InRange(int.Parse(answer["Retry-After"]!, System.Globalization.CultureInfo.InvariantCulture), 1, 3);
        Assert.Equal(0, node.Get<LiveStreams>().Count);
    }

    [Fact]
    public async Task Who_publishes_here_has_the_name()
    {
        using var remote = new ScriptedRemote();
        await using var node = await NodeAsync($"rtmp://127.0.0.1:{remote.Port}/app/cam");
        using var film = new Broadcast(node, Cam);
        Assert.Equal(404, node.Fetch("/live/none.flv").Status);
        using var viewer = node.Connect();
        viewer.Send(RawClient.Request("GET", TestServer.Signed("/live/cam.flv")));
        Assert.Equal(200, viewer.ReadHead().Status);
        Assert.Equal((0, "test"), (remote.Connections, node.Get<LiveStreams>().All.Single().Publication!.Publisher.Protocol));
    }

    [Theory]
    [InlineData("[{stream: cam, url: \"rtmp://h/a/b\"}]", "is not app/name")]
    [InlineData("[{stream: live/cam, url: \"ftp://h/a/b\"}]", "is no rtmp:// or rtmps:// URL")]
    [InlineData("[{stream: live/cam, url: \"rtmp://h/b\"}]", "needs an app and a stream")]
    [InlineData("[{stream: other/cam, url: \"rtmp://h/a/b\"}]", "is none of live.apps")]
    public async Task What_cannot_be_fetched_stops_the_start(string value, string why)
    {
        var fault = await Assert.ThrowsAsync<XLive.Server.Settings.SettingsException>(() => TestServer.StartAsync("--live.pull=" + value));
        Assert.Contains(why, fault.Faults[0].ToString(), StringComparison.Ordinal);
    }
}
