using XLive.Media;
using XLive.Server.Ingest.Rtmp;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Live;

public sealed class FlvFeedTests
{
    [Fact]
    public async Task What_is_not_carried_is_said_once()
    {
        await using var server = await TestServer.StartAsync();
        var turn = server.Get<LiveStreams>().TryPublish(new StreamName("live", "cam"), Film.Somebody, out _)!;
        List<string> said = [];
        var feed = new FlvFeed(turn, said.Add);
        for (var i = 0; i < 3; i++)
        {
            // VP8, VVC, and the second track of two.
            feed.Take(TrackKind.Video, 0, Convert.FromHexString("9176703038" + "aa"));
            feed.Take(TrackKind.Video, 0, Convert.FromHexString("9176766331" + "aa"));
            feed.Take(TrackKind.Audio, 0, Convert.FromHexString("95014f707573" + "01" + "f8aa"));
        }
        Assert.Equal(["video as vp08 (VP8)", "of several audio or video tracks the first, which has the id 0, is carried"], said);
        Assert.Equal((6L, 6L), (feed.Dropped, turn.Refused));
        turn.End(PublishEnd.Finished);
    }
}
