using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using XLive.Media.Tests.Rtmp;
using XLive.Server.Access;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Live;
using XLive.Server.Operations.Health;
using XLive.Server.Playback.Hls;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Rtmp;

public sealed class RtmpIngestTests
{
    private static readonly StreamName Cam = new("live", "cam");

    private static async Task<(TestServer Server, int Port)> StartAsync(params string[] settings)
    {
        var port = FreePort.Next();
        return (await TestServer.StartAsync([$"--rtmp.port={port}", .. settings]), port);
    }

    [Fact]
    public async Task What_is_published_is_a_stream_until_its_publisher_ends_it()
    {
        var (server, port) = await StartAsync("--auth.enable=false");
        await using var _ = server;
        var streams = server.Get<LiveStreams>();
        using var client = new RtmpClient(port);
        var capture = Wire.Capture("ffmpeg-5.1");
        // The last bytes are FCUnpublish and deleteStream.
        client.Send(capture[..^100]);
        Until.True(() => streams.TryFind(Cam, out var found) && found.Publication?.Received > 3000, "frames");
        Assert.True(streams.TryFind(Cam, out var stream));
        Assert.Equal(("avc1.f4000a", 64, 48, "mp4a.40.2"), (stream.Video!.CodecName, stream.Video.Width, stream.Video.Height, stream.Audio!.CodecName));
        var publisher = stream.Publication!.Publisher;
        Assert.Equal(("open", "rtmp", "127.0.0.1"), (publisher.Key, publisher.Protocol, publisher.Address.MapToIPv4().ToString()));
        Assert.Contains("Lavf", publisher.Software, StringComparison.Ordinal);

        client.Send(capture[^100..]);
        Until.True(() => stream.IsOver, "its end");
        Until.Equal(0, () => streams.Count, "streams");
    }

    [Fact]
    public async Task A_publisher_that_is_lost_may_come_back_and_its_time_goes_on()
    {
        var (server, port) = await StartAsync("--auth.enable=false");
        await using var _ = server;
        var streams = server.Get<LiveStreams>();
        LiveStream? stream;
        using (var first = new RtmpClient(port))
        {
            first.Send(Wire.Capture("rtmp2sink-1.22")[..^200]);
            Until.True(() => streams.TryFind(Cam, out var found) && found.Publication?.Received > 3000, "frames");
            Assert.True(streams.TryFind(Cam, out stream));
        }
        Until.True(() => stream.Publication is null, "the loss");
        Assert.False(stream.IsOver);
        using var second = new RtmpClient(port);
        second.Send(Wire.Capture("rtmp2sink-1.22")[..^200]);
        Until.True(() => stream.Publication?.Received > 3000, "frames");
        Assert.InRange(stream.Publication!.Begin.Seconds, 1, 3);
    }

    [Fact]
    public async Task One_publisher_a_name()
    {
        var (server, port) = await StartAsync("--auth.enable=false");
        await using var _ = server;
        using var first = new RtmpClient(port);
        first.Publish("cam");
        using var second = new RtmpClient(port);
        second.Connect();
        second.Send(Wire.Command(1, "publish", 3, null, "cam", "live"));
        second.Hear("already publishing");
    }

    [Fact]
    public async Task With_takeover_the_first_is_told_and_ends()
    {
        var (server, port) = await StartAsync("--auth.enable=false", "--live.takeover=replace");
        await using var _ = server;
        using var first = new RtmpClient(port);
        first.Publish("cam");
        using var second = new RtmpClient(port);
        second.Publish("cam");
        first.Hear("taken the stream over");
        first.Socket.Shutdown(SocketShutdown.Send);
        Assert.Null(first.Next());
        second.Send(Wire.Message(4, 8, 1, 10, [0xAF, 0, 0x12, 0x10]));
        Until.True(() => server.Get<LiveStreams>().TryFind(Cam, out var stream) && stream.Audio is not null, "the second's track");
    }

    [Theory]
    [InlineData("cam", "Publishing needs a key or an access token.")]
    [InlineData("cam?access_token=a.b.c", "The access token is wrong or has expired.")]
    public async Task Who_has_no_right_is_refused_with_the_reason(string name, string reason)
    {
        var (server, port) = await StartAsync();
        await using var _ = server;
        using var client = new RtmpClient(port);
        client.Connect();
        client.Send(Wire.Command(1, "publish", 3, null, name, "live"));
        client.Hear(reason);
        Assert.Equal(0, server.Get<LiveStreams>().Count);
    }

    [Fact]
    public async Task A_stream_key_opens_its_stream_in_the_query_or_in_the_place_of_the_name()
    {
        var (server, port) = await StartAsync();
        await using var _ = server;
        var streams = server.Get<LiveStreams>();
        var keys = server.Get<StreamKeys>();
        var key = keys.Make("live/cam", out var id);
        foreach (var name in (string[])["cam?key=" + key, key])
        {
            using var client = new RtmpClient(port);
            client.Publish(name);
            Until.True(() => streams.TryFind(Cam, out var stream) && stream.Publication?.Publisher.Key == "key " + id, "published by the key");
            client.Send(Wire.Command(0, "deleteStream", 4, null, 1.0));
            Until.Equal(0, () => streams.Count, "its end");
        }
        foreach (var (name, reason) in ((string, string)[])[("other?key=" + key, "The key is another stream's."), ("cam?key=sk_wrong", "The stream key is wrong."), ("sk_wrong", "The stream key is wrong.")])
            Refused(port, name, reason);
        Assert.True(keys.Remove(id));
        Refused(port, "cam?key=" + key, "The stream key is wrong.");
        Assert.Equal(0, streams.Count);
        // Nothing that is written down has it.
        foreach (var file in Directory.EnumerateFiles(server.Folder, "*", SearchOption.AllDirectories))
            Assert.False(Encoding.UTF8.GetString(Shared(file)).Contains(key, StringComparison.Ordinal), file);
    }

    [Fact]
    public async Task The_access_token_of_a_user_who_may_publish_opens_every_stream()
    {
        var (server, port) = await StartAsync();
        await using var _ = server;
        var streams = server.Get<LiveStreams>();
        await server.Get<Users>().AddAsync("encoder", Permission.Publish, "a long password");
        await server.Get<Users>().AddAsync("viewer", Permission.Monitor, "a long password");
        var (token, other) = (await SignIn(server, "encoder"), await SignIn(server, "viewer"));
        foreach (var name in (string[])["cam", "other"])
        {
            using var client = new RtmpClient(port);
            client.Publish($"{name}?access_token={token}");
            Until.True(() => streams.TryFind(new StreamName("live", name), out var stream) && stream.Publication?.Publisher.Key == "user encoder", "published by the user");
            client.Send(Wire.Message(4, 8, 1, 0, [0xAF, 0, 0x12, 0x10]));
            Until.True(() => streams.TryFind(new StreamName("live", name), out var stream) && stream.Audio is not null, "its track");
            client.Send(Wire.Command(0, "deleteStream", 4, null, 1.0));
            Until.Equal(0, () => streams.Count, "its end");
        }
        Refused(port, $"cam?access_token={other}", "The access token's user may not publish.");
        // Taken away, it is so at once, whatever the token says of itself.
        await server.Get<Users>().SetPermissionsAsync("encoder", Permission.Monitor);
        Refused(port, $"cam?access_token={token}", "The access token's user may not publish.");
        foreach (var file in Directory.EnumerateFiles(server.Folder, "*", SearchOption.AllDirectories))
            Assert.False(Encoding.UTF8.GetString(Shared(file)).Contains(token, StringComparison.Ordinal), file);
    }

    private static async Task<string> SignIn(TestServer server, string user)
    {
        using var client = new HttpClient();
        using var answer = await client.PostAsJsonAsync($"http://127.0.0.1:{server.Port}/login", new { username = user, password = "a long password" }, TestContext.Current.CancellationToken);
        using var json = await answer.Content.ReadFromJsonAsync<JsonDocument>(TestContext.Current.CancellationToken);
        // The test blocks on its sockets, and must not on the thread that reads them.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return json!.RootElement.GetProperty("access_token").GetString()!;
    }

    private static byte[] Shared(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static void Refused(int port, string name, string reason)
    {
        using var client = new RtmpClient(port);
        client.Connect();
        client.Send(Wire.Command(1, "publish", 3, null, name, "live"));
        client.Hear(reason);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    [InlineData("a b")]
    public async Task A_name_that_is_none_is_refused(string name)
    {
        var (server, port) = await StartAsync("--auth.enable=false");
        await using var _ = server;
        using var client = new RtmpClient(port);
        client.Connect();
        client.Send(Wire.Command(1, "publish", 3, null, name, "live"));
        client.Hear("NetStream.Publish.BadName");
    }

    [Fact]
    public async Task A_stream_key_that_is_removed_ends_its_publisher()
    {
        var (server, port) = await StartAsync();
        await using var _ = server;
        var keys = server.Get<StreamKeys>();
        var (key, spare) = (keys.Make("live/cam", out var id), keys.Make("live/other", out var _));
        using var client = new RtmpClient(port);
        client.Publish("cam?key=" + key);
        using var other = new RtmpClient(port);
        other.Publish("other?key=" + spare);
        Assert.True(keys.Remove(id));
        client.Hear("The stream key has been removed.");
        Until.Equal(1, () => server.Get<LiveStreams>().Count, "streams");
        Assert.Contains("its stream key " + id + " was removed", server.Log("audit.log"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_films_are_nobody_publishes()
    {
        var (server, port) = await StartAsync("--auth.enable=false");
        await using var _ = server;
        server.Write("live/film.ts", "a film");
        Refused(port, "cam", "'live' is a folder of films.");
        Assert.Contains("NetStream.Publish.Denied", server.Log("audit.log"), StringComparison.Ordinal);
        foreach (var reserved in (string[])["api", "monitor", "~x", "films"])
        {
            using var client = new RtmpClient(port);
            client.Connect(reserved);
            client.Hear("There is no application of that name.");
        }
    }

    [Fact]
    public async Task A_full_server_takes_no_new_streams_and_keeps_those_it_has()
    {
        var (server, port) = await StartAsync("--auth.enable=false");
        await using var _ = server;
        var room = server.Get<LiveRoom>();
        using var client = new RtmpClient(port);
        client.Publish("cam");
        room.MostBytes = 0;
        Refused(port, "other", "The server is full: live streams take all the memory that is theirs");
        Assert.Equal(1, server.Get<LiveStreams>().Count);
        // It says so where operators look.
        Assert.Contains("\"publishers_refused_full\":1", await StatsAsync(server), StringComparison.Ordinal);
        Assert.Equal(HealthState.Degraded, server.Get<HealthChecks>().Entries.Single(static e => e.Name == "live").State);
        room.MostBytes = long.MaxValue;
        using var third = new RtmpClient(port);
        third.Publish("other");
    }

    [Fact]
    public async Task Those_who_have_just_begun_count_with_what_they_will_take()
    {
        var (server, port) = await StartAsync("--auth.enable=false");
        await using var _ = server;
        server.Get<LiveRoom>().MostBytes = 12 << 20;
        using var first = new RtmpClient(port);
        first.Publish("a");
        using var second = new RtmpClient(port);
        second.Publish("b");
        // Hardly a byte has come, and each is thought to come to eight MiB.
        Assert.InRange(server.Get<LiveStreams>().AllBytes, 0, 4 << 20);
        Refused(port, "c", "The server is full: live streams take all the memory that is theirs");
    }

    [Fact]
    public async Task Where_memory_runs_out_the_newest_streams_end()
    {
        var (server, port) = await StartAsync("--auth.enable=false");
        await using var _ = server;
        var (room, streams) = (server.Get<LiveRoom>(), server.Get<LiveStreams>());
        using var first = new RtmpClient(port);
        first.Publish("old");
        using var second = new RtmpClient(port);
        second.Publish("young");
        room.MakeRoom(1);
        second.Hear("The server is full: memory is short; try again later.");
        Assert.Equal("old", Assert.Single(streams.All).Name.Stream);
        Assert.Equal(1, room.Cut);
        // Of a server that stays full none is kept.
        server.Get<Overload>().Forced = 0.95;
        first.Hear("The server is full: memory is short; try again later.");
        Until.Equal(0, () => server.Get<HlsStreams>().Count, "what is kept of streams that are over");
        server.Get<Overload>().Forced = null;
    }

    private static async Task<string> StatsAsync(TestServer server)
    {
        using var client = new HttpClient();
        var text = await client.GetStringAsync(new Uri($"http://127.0.0.1:{server.Port}/stats"), TestContext.Current.CancellationToken);
        // The test blocks on its sockets, and must not on the thread that reads them.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return text.Replace(" ", "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attempts_beyond_limits_publishes_are_refused_and_say_when()
    {
        var (server, port) = await StartAsync("--auth.enable=false", "--limits.publishes=[{window: 1h, count: 1, by: stream}, {window: 1h, count: 3}]");
        await using var _ = server;
        using (var client = new RtmpClient(port))
            client.Publish("cam");
        Refused(port, "cam", "Too many attempts to publish; the next may come in 3600 s.");
        using (var client = new RtmpClient(port))
            client.Publish("other");
        Refused(port, "third", "Too many attempts to publish; the next may come in 1200 s.");
        Assert.Equal(2, server.Get<PublishGate>().Limits.Refused);
    }
}
