using System.Buffers.Binary;
using System.Net;
using System.Text.Json;
using XLive.Media;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Live;

public sealed class StreamsEndpointTests
{
    private const string Open = "--auth.enable=false";

    // Under the host's own name: without a login no other is answered.
    private static (int Status, string Text) Ask(TestServer server, string method, string path)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(new HttpMethod(method), $"http://127.0.0.1:{server.Port}{path}");
        using var answer = client.Send(request);
        using var text = new StreamReader(answer.Content.ReadAsStream());
        return ((int)answer.StatusCode, text.ReadToEnd());
    }

    // One NAL unit of a thousand bytes.
    private static Frame Picture(Timestamp at, bool isKey)
    {
        var payload = new byte[1000];
        BinaryPrimitives.WriteInt32BigEndian(payload, payload.Length - 4);
        payload[4] = (byte)(isKey ? 0x65 : 0x41);
        payload.AsSpan(5).Fill(0xAA);
        return new Frame(Film.Video, at, 0, isKey ? FrameFlags.Key : FrameFlags.None, payload);
    }

    private static JsonElement Json(TestServer server, string path)
    {
        var answer = Ask(server, "GET", path);
        Assert.True(answer.Status == 200, answer.Text);
        var json = JsonDocument.Parse(answer.Text).RootElement;
        Assert.Null(OpenApiFile.Read().Fault("get", path, json));
        return json;
    }

    private static JsonElement TheStream(TestServer server) => Json(server, "/streams").GetProperty("streams").EnumerateArray().Single();

    [Fact]
    public async Task Each_stream_with_its_publisher_its_rates_and_its_viewers()
    {
        var clock = new HandClock();
        await using var server = await TestServer.StartAsync(clock, Open, "--privacy.ip=prefix");
        Assert.Empty(Json(server, "/streams").GetProperty("streams").EnumerateArray());
        var streams = server.Get<LiveStreams>();
        var by = Film.Somebody with { Address = IPAddress.Parse("192.0.2.77"), Software = "OBS" };
        var turn = streams.TryPublish(new StreamName("live", "cam"), by, out _)!;
        turn.Announce(Film.Video, turn.Begin);
        turn.Announce(Film.Audio, turn.Begin);
        var stream = streams.All.Single();
        using var flv = stream.Watch();
        using (var ws = stream.Watch(ViewerKind.WsFlv))
        using (stream.Watch(ViewerKind.Rtmp))
        {
            // Ten seconds of it: 25 pictures and 25 sounds a second, of 1,000 bytes each; one viewer takes them all.
            for (var i = 0; i < 500; i++)
            {
                var at = turn.Begin + (i / 2 * (Timestamp.PerSecond / 25));
                turn.Publish(i % 2 == 0 ? Picture(at, i % 50 == 0) : new Frame(Film.Audio, at, 0, FrameFlags.Key, new byte[1000]));
                clock.Pass(TimeSpan.FromMilliseconds(20));
                while (ws.TryRead(1 << 20, out var piece))
                    piece.Owner.Release();
            }
            turn.Refused = 3;
            var json = TheStream(server);
            Assert.Equal("live/cam", json.GetProperty("name").GetString());
            var publisher = json.GetProperty("publisher");
            Assert.Equal(("key-1", "192.0.2.0/24", "test", "OBS"),
                (publisher.GetProperty("by").GetString(), publisher.GetProperty("address").GetString(), publisher.GetProperty("protocol").GetString(), publisher.GetProperty("software").GetString()));
            Assert.Equal((clock.Unix - 10, 500_000L), (publisher.GetProperty("since").GetInt64(), publisher.GetProperty("bytes").GetInt64()));
            Assert.Equal(("avc1.64001f", 640, 360),
                (json.GetProperty("video").GetProperty("codec").GetString(), json.GetProperty("video").GetProperty("width").GetInt32(), json.GetProperty("video").GetProperty("height").GetInt32()));
            Assert.InRange(json.GetProperty("video").GetProperty("pictures_per_second").GetDouble(), 24.5, 25.5);
            Assert.Equal(("mp4a.40.2", 48_000, 2),
                (json.GetProperty("audio").GetProperty("codec").GetString(), json.GetProperty("audio").GetProperty("sample_rate").GetInt32(), json.GetProperty("audio").GetProperty("channels").GetInt32()));
            Assert.InRange(json.GetProperty("bits_per_second_in").GetInt64(), 396_000, 404_000);
            Assert.InRange(json.GetProperty("bits_per_second_out").GetInt64(), 400_000, 420_000);
            Assert.Equal(1, json.GetProperty("gop_seconds").GetDouble());
            var viewers = json.GetProperty("viewers");
            Assert.Equal((0, 1, 1, 1), (viewers.GetProperty("hls").GetInt32(), viewers.GetProperty("flv").GetInt32(), viewers.GetProperty("ws_flv").GetInt32(), viewers.GetProperty("rtmp").GetInt32()));
            Assert.Equal(3, json.GetProperty("dropped").GetProperty("not_understood").GetInt32());
            var segments = json.GetProperty("segments");
            Assert.Equal((0L, 4), (segments.GetProperty("media_sequence").GetInt64(), segments.GetProperty("target_duration").GetInt32()));
            Assert.Equal([4, 4], segments.GetProperty("durations").EnumerateArray().Select(static d => d.GetDouble()));
            Assert.InRange(segments.GetProperty("bytes").GetInt64(), 500_000, 4_000_000);
            Assert.Empty(json.GetProperty("warnings").EnumerateArray());
        }
        var sums = Json(server, "/stats").GetProperty("live");
        Assert.Equal((1, 1, 1, 500_000L), (sums.GetProperty("streams").GetInt32(), sums.GetProperty("publishers").GetInt32(), sums.GetProperty("viewers").GetInt32(), sums.GetProperty("bytes_in").GetInt64()));
        var sent = sums.GetProperty("bytes_out").GetInt64();
        Assert.InRange(sent, 500_000, 520_000);
        // A publisher who is away is none; what was counted stays when the stream has gone.
        turn.End(PublishEnd.Lost);
        Assert.Equal(JsonValueKind.Null, TheStream(server).GetProperty("publisher").ValueKind);
        streams.TryPublish(stream.Name, by, out _)!.End(PublishEnd.Finished);
        Assert.Empty(Json(server, "/streams").GetProperty("streams").EnumerateArray());
        Assert.Equal((0, 500_000L, sent), (Json(server, "/stats").GetProperty("live").GetProperty("streams").GetInt32(),
            Json(server, "/stats").GetProperty("live").GetProperty("bytes_in").GetInt64(), Json(server, "/stats").GetProperty("live").GetProperty("bytes_out").GetInt64()));
        var metrics = Ask(server, "GET", "/metrics").Text;
        Assert.Contains("\nxlive_live_in_bytes_total 500000\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nxlive_live_viewers{protocol=\"rtmp\"} 0\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keyframes_too_far_apart_are_warned_of_and_segments_that_are_fetched_are_counted()
    {
        await using var server = await TestServer.StartAsync(Open);
        var streams = server.Get<LiveStreams>();
        var turn = streams.TryPublish(new StreamName("live", "cam"), Film.Somebody, out _)!;
        turn.Announce(Film.Video, turn.Begin);
        for (var i = 0; i < 1000; i++)
            turn.Publish(Picture(turn.Begin + (i * (Timestamp.PerSecond / 25)), i % 300 == 0));
        var entry = server.Fetch("/live/cam.m3u8");
        var media = entry.Text.TrimEnd().Split('\n')[^1];
        string Get(string path)
        {
            var answer = Ask(server, "GET", path);
            Assert.True(answer.Status == 200, path + "\n" + entry.Text + answer.Text);
            return answer.Text;
        }
        var playlist = new Uri(new Uri("http://a/live/cam.m3u8"), media).AbsolutePath;
        var segment = Get(playlist).TrimEnd().Split('\n')[^1];
        var length = Get(new Uri(new Uri("http://a" + playlist), segment).AbsolutePath).Length;
        var json = TheStream(server);
        Assert.Contains("keyframes are further apart", json.GetProperty("warnings")[0].GetString(), StringComparison.Ordinal);
        Assert.Equal(1, json.GetProperty("viewers").GetProperty("hls").GetInt32());
        Until.True(() => streams.All.Single().Figures().BytesOut >= length, "bytes of a segment");
    }

    [Fact]
    public async Task An_operator_ends_a_publisher_and_the_log_says_who()
    {
        await using var server = await TestServer.StartAsync(Open);
        var streams = server.Get<LiveStreams>();
        var turn = streams.TryPublish(new StreamName("live", "cam"), Film.Somebody, out _)!;
        Assert.Equal(404, Ask(server, "DELETE", "/api/v1/streams/live/other").Status);
        Assert.Equal(404, Ask(server, "DELETE", "/api/v1/streams/live/..x").Status);
        Assert.Equal(200, Ask(server, "DELETE", "/api/v1/streams/live/cam").Status);
        Assert.Equal((PublishEnd.Kicked, 0), (turn.EndedFor, streams.Count));
        Assert.Equal(404, Ask(server, "DELETE", "/api/v1/streams/live/cam").Status);
        var audit = server.Log("audit.log");
        foreach (var line in (string[])["\"key-1\" \"publishes live/cam over test\"", "\"key-1\" \"publishes live/cam no more: Kicked\"", "ended the publisher of live/cam, key-1"])
            Assert.Contains(line, audit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_for_those_who_may_look()
    {
        await using var server = await TestServer.StartAsync();
        Assert.Equal((401, 401), (Ask(server, "GET", "/streams").Status, Ask(server, "DELETE", "/api/v1/streams/live/cam").Status));
    }
}
