using XLive.Media.Flv;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Live;

public sealed class FlvPlaybackTests
{
    private static readonly StreamName Name = new("live", "cam");

    private static Publication Publish(TestServer server) => Film.Publish(server, Name);

    [Fact]
    public async Task From_the_last_keyframe_on_until_the_stream_ends_and_the_connection_goes_on()
    {
        await using var server = await TestServer.StartAsync();
        var turn = Publish(server);
        var film = new Film(new Random(7));
        for (var i = 0; i < 50; i++)
            turn.Publish(film.Next());
        using var client = server.Connect();
        client.Send(RawClient.Request("GET", TestServer.Signed("/live/cam.flv")));
        var head = client.ReadHead();
        Assert.Equal((200, "video/x-flv", "chunked"), (head.Status, head["Content-Type"], head["Transfer-Encoding"]));
        var stream = server.Get<LiveStreams>().All.Single();
        Until.True(() => stream.Viewers == 1, "he watches");
        for (var i = 0; i < 50; i++)
            turn.Publish(film.Next());
        turn.End(PublishEnd.Finished);
        var viewer = new FlvViewer(client);
        List<(FlvTagType Type, int Number)> tags = [.. viewer.Tags()];
        Assert.Equal([FlvTagType.Script, FlvTagType.Video, FlvTagType.Audio], tags.Take(3).Select(static t => t.Type));
        Assert.Equal(Enumerable.Range(40, 60), tags.Skip(3).Select(static t => t.Number));
        Assert.Equal(0, stream.Viewers);
        Assert.Equal(404, client.Ask("GET", TestServer.Signed("/live/cam.flv")).Status);
    }

    [Fact]
    public async Task Who_leaves_is_no_viewer_any_more_and_who_has_no_link_never_is_one()
    {
        await using var server = await TestServer.StartAsync();
        var turn = Publish(server);
        var film = new Film(new Random(7));
        turn.Publish(film.Next());
        var stream = server.Get<LiveStreams>().All.Single();
        using (var unsigned = server.Connect())
            Assert.Equal(401, unsigned.Ask("GET", "/live/cam.flv").Status);
        Assert.Equal(404, server.Ask("GET", "/live/other.flv").Status);
        Assert.Equal(200, server.Ask("HEAD", "/live/cam.flv").Status);
        Assert.Equal(0, stream.Viewers);
        using (var client = server.Connect())
        {
            client.Send(RawClient.Request("GET", TestServer.Signed("/live/cam.flv")));
            Assert.Equal(200, client.ReadHead().Status);
            Until.True(() => stream.Viewers == 1, "he watches");
        }
        // One who closed his own direction alone would read on; who closed both answers what he is sent with a reset.
        Until.True(() =>
        {
            turn.Publish(film.Next());
            return stream.Viewers == 0;
        }, "he has gone");
        turn.End(PublishEnd.Finished);
    }
}
