using XLive.Media.Tests.Rtmp;
using XLive.Server.Accounts;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Rtmp;

/// <summary>What encoders publish by: a key opens its own stream and no other, wherever it stands, and nothing that is merely like one opens any.</summary>
public sealed class StreamKeyTests
{
    private const string Wrong = "The stream key is wrong.";
    private const string Others = "The key is another stream's.";

    private static async Task<(TestServer Server, int Port)> StartAsync(params string[] settings)
    {
        var port = FreePort.Next();
        return (await TestServer.StartAsync([$"--rtmp.port={port}", .. settings]), port);
    }

    private static string Refusal(TestServer server, int port, string name, string app = "live")
    {
        using var client = new RtmpClient(port);
        client.Connect(app);
        client.Send(Wire.Command(1, "publish", 3, null, name, "live"));
        var said = System.Text.Encoding.Latin1.GetString(client.Hear("NetStream.Publish.").Payload.Span);
        Assert.Equal(0, server.Get<LiveStreams>().Count);
        return said.Contains("NetStream.Publish.Denied", StringComparison.Ordinal) ? said : "taken: " + said;
    }

    [Fact]
    public async Task No_key_but_the_right_one_is_taken_wherever_it_stands()
    {
        var (server, port) = await StartAsync("--live.apps=[live, other]");
        await using var _ = server;
        var keys = server.Get<StreamKeys>();
        var (cam, hall) = (keys.Make("live/cam", out var id), keys.Make("live/hall", out var _));
        string[] near = [cam[..^1], cam + "A", cam[..^1] + (cam[^1] == 'A' ? 'B' : 'A'), "sk_", "sk_%", id, cam[3..].ToUpperInvariant(), "' OR ''='"];
        foreach (var key in near)
        {
            Assert.Contains(Wrong, Refusal(server, port, "cam?key=" + Uri.EscapeDataString(key)), StringComparison.Ordinal);
            if (StreamKeys.IsKey(key))
                Assert.Contains(Wrong, Refusal(server, port, key), StringComparison.Ordinal);
        }
        Assert.Contains(Wrong, Refusal(server, port, "cam?key="), StringComparison.Ordinal);
        // A right one, for what is not its own.
        Assert.Contains(Others, Refusal(server, port, "hall?key=" + cam), StringComparison.Ordinal);
        Assert.Contains(Others, Refusal(server, port, "cam?key=" + cam, "other"), StringComparison.Ordinal);
        Assert.Contains(Others, Refusal(server, port, cam, "other"), StringComparison.Ordinal);
        // In the name's place beside one in the query it is a name, and no stream's.
        Assert.Contains(Others, Refusal(server, port, $"{cam}?key={hall}"), StringComparison.Ordinal);
        Assert.Contains(Others, Refusal(server, port, $"{cam}?key={cam}"), StringComparison.Ordinal);
        Assert.Contains(Wrong, Refusal(server, port, $"{cam}?key=sk_wrong"), StringComparison.Ordinal);
        // And they open what is theirs.
        foreach (var (name, stream) in ((string, string)[])[(cam, "cam"), ("hall?key=" + hall, "hall")])
        {
            using var client = new RtmpClient(port);
            client.Publish(name);
            Assert.True(server.Get<LiveStreams>().TryFind(new StreamName("live", stream), out var found) && found.Publication is not null);
            client.Send(Wire.Command(0, "FCUnpublish", 4, null, "cam"));
            Until.Equal(0, () => server.Get<LiveStreams>().Count, "its end");
        }
    }

    [Fact]
    public async Task Where_no_key_is_needed_one_in_the_place_of_the_name_becomes_no_name()
    {
        var (server, port) = await StartAsync("--auth.enable=false");
        await using var _ = server;
        var key = server.Get<StreamKeys>().Make("live/cam", out var id);
        Assert.Contains(Wrong, Refusal(server, port, key[..^1]), StringComparison.Ordinal);
        Assert.Contains(Others, Refusal(server, port, $"{key}?key={key}"), StringComparison.Ordinal);
        foreach (var (name, holder) in ((string, string)[])[(key, "key " + id), ("cam?key=" + key, "key " + id), ("cam?key=sk_wrong", "open")])
        {
            using var client = new RtmpClient(port);
            client.Publish(name);
            var stream = server.Get<LiveStreams>().All.Single();
            Assert.Equal(("live/cam", holder), (stream.Name.ToString(), stream.Publication?.Publisher.Key));
            client.Send(Wire.Command(0, "deleteStream", 4, null, 1.0));
            Until.Equal(0, () => server.Get<LiveStreams>().Count, "its end");
        }
    }
}
