using System.Net.WebSockets;
using System.Text;
using XLive.Media.Flv;
using XLive.Media.Rtmp;
using XLive.Media.Tests.Rtmp;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Rtmp;

namespace XLive.Server.Tests.Live;

/// <summary>A publisher comes back with another codec, while others watch.</summary>
public sealed class CodecChangeTests
{
    private static readonly StreamName Cam = new("live", "cam");

    // By FourCC: of video the highest bit, of audio the format 9.
    private static bool IsByFourCc(RtmpMessageType type, ReadOnlySpan<byte> body) => type == RtmpMessageType.Video ? (body[0] & 0x80) != 0 : body[0] >> 4 == 9;

    private static RtmpClient Play(int port, string[] takes, int stream = 1)
    {
        var client = new RtmpClient(port);
        client.Handshake();
        client.Send(Wire.EnhancedConnect(takes));
        for (var i = 1; i <= stream; i++)
            client.Send(Wire.Command(0, "createStream", 1 + i, null));
        client.Send(Wire.Command((uint)stream, "play", 9, null, "cam?" + TestServer.Grant()));
        return client;
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(2, true)] // its messages get headers of their own, and no shard sends them
    public async Task A_player_over_RTMP_who_takes_it_not_is_told_so_and_sent_nothing_of_it(int stream, bool isVideo)
    {
        var port = FreePort.Next();
        await using var server = await TestServer.StartAsync($"--rtmp.port={port}", "--auth.enable=false");
        Film.Publish(server, Cam, Film.Video, Film.Audio);
        using var client = Play(port, isVideo ? ["av01", "Opus"] : ["hvc1"], stream);
        client.Hear("onMetaData");
        var live = server.Get<LiveStreams>().All.Single();
        live.Publication!.End(PublishEnd.Lost);
        Film.Publish(server, Cam, isVideo ? [Film.Hevc, Film.Audio] : [Film.Video, Film.Opus]);
        var (media, said) = (0, "");
        while (client.Next() is { } message)
        {
            if (message.Type is RtmpMessageType.Video or RtmpMessageType.Audio)
            {
                media++;
                Assert.False(IsByFourCc(message.Type, message.Payload.Span), Convert.ToHexString(message.Payload.Span));
            }
            if (message.Type == RtmpMessageType.Command)
                said = Encoding.Latin1.GetString(message.Payload.Span);
        }
        // Two configurations and two frames were there before; H.264 of the next turn comes before its sound.
        Assert.InRange(media, 4, 6);
        Assert.Contains("NetStream.Play.Failed", said, StringComparison.Ordinal);
        Assert.Contains(isVideo ? "video is hvc1.1.6.L60.90" : "audio is Opus", said, StringComparison.Ordinal);
        Until.True(() => server.Log("access.log").Contains("\"PLAY /live/cam?", StringComparison.Ordinal), "a line in the log");
        Assert.Equal((0, 1L), (live.Viewers, server.Get<LiveStreams>().EndedByCodec));
        using var operators = new HttpClient();
        var stats = await operators.GetStringAsync(new Uri($"http://127.0.0.1:{server.Port}/stats"), TestContext.Current.CancellationToken);
        Assert.Matches("\"codec\": ?1[,\\s}]", stats);
        Assert.Matches("\"ended_by_codec\": ?1,", stats);
    }

    [Fact]
    public async Task A_player_over_RTMP_who_takes_both_is_told_what_it_is_before_its_keyframe_each_time()
    {
        var port = FreePort.Next();
        await using var server = await TestServer.StartAsync($"--rtmp.port={port}");
        Film.Publish(server, Cam, Film.Video);
        using var client = Play(port, ["hvc1"]);
        client.Hear("onMetaData");
        var live = server.Get<LiveStreams>().All.Single();
        foreach (var track in new[] { Film.Hevc, Film.Video })
        {
            live.Publication!.End(PublishEnd.Lost);
            Film.Publish(server, Cam, track);
        }
        string[] old = ["1700000000", "1701000000"], wanted = [.. old, "9068766331", "9368766331", .. old];
        Assert.Equal(wanted, Enumerable.Range(0, 6).Select(i => Convert.ToHexStringLower(client.Next()!.Value.Payload.Span[..5])));
        live.Publication!.End(PublishEnd.Finished);
        client.Hear("NetStream.Play.Stop");
    }

    [Fact]
    public async Task A_file_over_HTTP_ends_there_and_the_next_is_of_the_other()
    {
        await using var server = await TestServer.StartAsync();
        Film.Publish(server, Cam, Film.Video, Film.Audio);
        var live = server.Get<LiveStreams>().All.Single();
        using var first = Fetch();
        live.Publication!.End(PublishEnd.Lost);
        Film.Publish(server, Cam, Film.Hevc, Film.Opus);
        // Its chunked body has an end, and what is read to there is of the first codecs.
        Assert.Equal(["1700", "af00", "1701", "af01"], Heads(new FlvViewer(first).Read()));
        Until.Equal(0, () => live.Viewers, "viewers");
        Assert.Equal(1, server.Get<LiveStreams>().EndedByCodec);

        using var second = Fetch();
        live.Publication!.End(PublishEnd.Finished);
        Assert.Equal(["9068", "904f", "9368", "914f"], Heads(new FlvViewer(second).Read()));

        RawClient Fetch()
        {
            var client = server.Connect();
            client.Send(RawClient.Request("GET", TestServer.Signed("/live/cam.flv")));
            Assert.Equal(200, client.ReadHead().Status);
            Until.Equal(1, () => live.Viewers, "viewers");
            return client;
        }
    }

    private static string[] Heads(IEnumerable<FlvTag> tags) =>
        [.. tags.Where(static t => t.Type != FlvTagType.Script).Select(static t => Convert.ToHexStringLower(t.Body.Span[..2]))];

    [Fact]
    public async Task A_WebSocket_is_closed_with_the_name_of_what_comes()
    {
        await using var server = await TestServer.StartAsync();
        Film.Publish(server, Cam, Film.Video, Film.Audio);
        var live = server.Get<LiveStreams>().All.Single();
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{server.Port}" + TestServer.Signed("/live/cam.flv")), TestContext.Current.CancellationToken);
        Until.Equal(1, () => live.ViewersOf(ViewerKind.WsFlv), "viewers");
        live.Publication!.End(PublishEnd.Lost);
        Film.Publish(server, Cam, Film.Hevc, Film.Audio);
        var (buffer, read) = (new byte[65536], new MemoryStream());
        while (await socket.ReceiveAsync(buffer.AsMemory(), TestContext.Current.CancellationToken).AsTask().WaitAsync(Until.Patience, TestContext.Current.CancellationToken) is { MessageType: WebSocketMessageType.Binary } received)
            read.Write(buffer, 0, received.Count);
        Assert.Equal((WebSocketCloseStatus.NormalClosure, "The stream goes on with hvc1.1.6.L60.90."), (socket.CloseStatus!.Value, socket.CloseStatusDescription));
        Assert.DoesNotContain("hvc1", Encoding.Latin1.GetString(read.ToArray()), StringComparison.Ordinal);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", TestContext.Current.CancellationToken);
    }
}
