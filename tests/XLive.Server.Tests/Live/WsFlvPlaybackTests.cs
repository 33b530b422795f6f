using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using XLive.Media.Flv;
using XLive.Server.Live;
using XLive.Server.Sessions;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Tls;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Live;

public sealed class WsFlvPlaybackTests
{
    private static readonly StreamName Name = new("live", "cam");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static Publication Publish(TestServer server) => Film.Publish(server, Name);

    private static async Task<ClientWebSocket> OpenAsync(string url, Version? version = null, HttpMessageInvoker? through = null)
    {
        var socket = new ClientWebSocket();
        socket.Options.HttpVersion = version ?? HttpVersion.Version11;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        await socket.ConnectAsync(new Uri(url), through, Ct);
        await OffTheServersThread();
        return socket;
    }

    private static Task<ClientWebSocket> OpenAsync(TestServer server) => OpenAsync($"ws://127.0.0.1:{server.Port}" + TestServer.Signed("/live/cam.flv"));

    // What is read goes on where sockets are served, and a test waits for what is served there.
    private static async Task OffTheServersThread() => await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

    // Null: it was closed.
    private static async Task<byte[]?> Message(ClientWebSocket socket)
    {
        var message = new MemoryStream();
        var buffer = new byte[65536];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), Ct).AsTask().WaitAsync(Until.Patience, Ct);
            await OffTheServersThread();
            if (received.MessageType == WebSocketMessageType.Close)
                return null;
            Assert.Equal(WebSocketMessageType.Binary, received.MessageType);
            message.Write(buffer, 0, received.Count);
            if (received.EndOfMessage)
                return message.ToArray();
        }
    }

    private sealed class Tags
    {
        private readonly FlvReader _reader = new();

        public List<int> Numbers { get; } = [];
        public long Bytes { get; private set; }
        private int _seen;

        /// <summary>Each message is whole tags, and the first begins with the header.</summary>
        public void Take(byte[] message)
        {
            if (Bytes == 0)
                Assert.Equal("FLV", Encoding.ASCII.GetString(message, 0, 3));
            Bytes += message.Length;
            var isWhole = false;
            for (var rest = message.AsMemory(); ; )
            {
                if (!_reader.Read(rest, out var consumed, out var tag))
                    break;
                rest = rest[consumed..];
                // The size behind the tag.
                isWhole = rest.Length <= 4;
                if (_seen++ >= 3)
                    Numbers.Add(Film.NumberOf(tag));
            }
            Assert.True(isWhole, "a message ends within a tag");
        }
    }

    private static async Task Play(TestServer server, ClientWebSocket socket, int heads = 0)
    {
        var turn = server.Get<LiveStreams>().All.Single().Publication!;
        var stream = server.Get<LiveStreams>().All.Single();
        Until.Equal(1, () => stream.ViewersOf(ViewerKind.WsFlv), "viewers");
        var film = new Film(new Random(7)) { MostBytes = 200_000 };
        for (var i = 0; i < 50; i++)
            turn.Publish(film.Next());
        var tags = new Tags();
        while (tags.Numbers.Count < 50)
            tags.Take((await Message(socket))!);
        // What a viewer says is heard and passed over.
        await socket.SendAsync(new byte[1000], WebSocketMessageType.Text, true, Ct);
        await OffTheServersThread();
        turn.Publish(film.Next());
        while (tags.Numbers.Count < 51)
            tags.Take((await Message(socket))!);
        Assert.Equal(Enumerable.Range(0, 51), tags.Numbers);
        turn.End(PublishEnd.Finished);
        Assert.Null(await Message(socket));
        Assert.Equal((WebSocketCloseStatus.NormalClosure, "The stream has ended."), (socket.CloseStatus, socket.CloseStatusDescription));
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", Ct);
        await OffTheServersThread();
        Until.Equal(0, () => stream.Viewers, "viewers");
        var session = server.Get<SessionTable>().All.Single();
        Until.True(() => session.Bytes >= tags.Bytes, "charged");
        Assert.InRange(session.Bytes, tags.Bytes, tags.Bytes + heads);
    }

    [Fact]
    public async Task In_messages_of_whole_tags_until_the_stream_ends()
    {
        await using var server = await TestServer.StartAsync();
        Publish(server);
        using var socket = await OpenAsync(server);
        await Play(server, socket);
        Until.True(() => server.Log("access.log").Contains(" 101 ", StringComparison.Ordinal), "a line in the log");
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Over_TLS_in_both_versions_of_HTTP(string version)
    {
        var folder = Directory.CreateTempSubdirectory("xlive-wss-").FullName;
        var port = FreePort.Next();
        await using var server = await TestServer.StartAsync(TestAuthority.SelfSigned().Options(folder, port));
        Publish(server);
        using var handler = new SocketsHttpHandler { SslOptions = TlsServer.Client() };
        using var invoker = new HttpMessageInvoker(handler);
        using var socket = await OpenAsync($"wss://127.0.0.1:{port}" + TestServer.Signed("/live/cam.flv"), Version.Parse(version), invoker);
        // In HTTP/2 what a message begins with is of the body too.
        await Play(server, socket, heads: version == "2.0" ? 1000 : 0);
        Directory.Delete(folder, true);
    }

    [Fact]
    public async Task A_kick_closes_it_and_says_so()
    {
        await using var server = await TestServer.StartAsync();
        var turn = Publish(server);
        var film = new Film(new Random(7));
        turn.Publish(film.Next());
        using var socket = await OpenAsync(server);
        await Message(socket);
        await Message(socket);
        var session = server.Get<SessionTable>().All.Single();
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        server.Get<SessionTable>().Revocations.Put(new Revocation(RevocationKind.Sid, session.Sid, now, now + 600, "", "test", IsKick: true, session.Entry));
        turn.Publish(film.Next());
        Assert.Null(await Message(socket));
        Assert.Equal((WebSocketCloseStatus.PolicyViolation, "Kicked"), (socket.CloseStatus, socket.CloseStatusDescription));
        Until.Equal(0, () => server.Get<LiveStreams>().All.Single().Viewers, "viewers");
    }

    [Fact]
    public async Task A_ping_is_answered_while_nothing_comes_and_whoever_goes_or_misbehaves_is_no_viewer()
    {
        await using var server = await TestServer.StartAsync();
        Publish(server).Publish(new Film(new Random(7)).Next());
        var stream = server.Get<LiveStreams>().All.Single();
        foreach (var (said, answered) in ((byte[], byte[])[])[
            (ViewerFramesTests.Frame(0x89, [1, 2, 3]), [0x8A, 3, 1, 2, 3]), (ViewerFramesTests.Frame(0x88, [3, 0xE8]), [0x88, 2, 3, 0xE8]), (ViewerFramesTests.Frame(0x81, [1], masked: false), [0x88, 2, 3, 0xEA])])
        {
            using var client = server.Connect();
            client.Send(Upgrade(TestServer.Signed("/live/cam.flv"), "13", "dGhlIHNhbXBsZSBub25jZQ=="));
            var head = client.ReadHead();
            // The example of RFC 6455 section 1.3; no extension, whatever is offered.
            Assert.Equal((101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", ""), (head.Status, head["Sec-WebSocket-Accept"], head["Sec-WebSocket-Extensions"] ?? ""));
            SkipMessages(client, 2);
            Until.Equal(1, () => stream.Viewers, "viewers, without the one before");
            client.Send(said);
            Assert.Equal(answered, client.ReadBody(answered.Length));
        }
        Until.Equal(0, () => stream.Viewers, "viewers");
    }

    [Fact]
    public async Task Whoever_says_nothing_is_pinged_and_is_no_viewer_when_he_does_not_answer()
    {
        var (clock, interval) = (new HandClock(), TimeSpan.FromSeconds(20));
        await using var server = await TestServer.StartAsync(clock, "--access.enable=false");
        Publish(server).Publish(new Film(new Random(7)).Next());
        var stream = server.Get<LiveStreams>().All.Single();
        using var client = server.Connect();
        client.Send(Upgrade("/live/cam.flv", "13", "dGhlIHNhbXBsZSBub25jZQ=="));
        Assert.Equal(101, client.ReadHead().Status);
        SkipMessages(client, 2);
        Until.Equal(1, () => stream.Viewers, "viewers");
        void Pinged()
        {
            Until.True(() =>
            {
                clock.Pass(interval / 4);
                return client.Socket.Available > 0;
            }, "a ping");
            Assert.Equal([0x89, 0], client.ReadBody(2));
        }
        // Far longer than silence is borne, and each answer begins the interval anew.
        for (var i = 0; i < 8; i++)
        {
            Pinged();
            clock.Pass(TimeSpan.FromMilliseconds(777));
            client.Send(ViewerFramesTests.Frame(0x8A, []));
            Until.True(() => clock.Timers.Contains(interval), "it has heard him");
        }
        Assert.Equal(1, stream.Viewers);
        for (var i = 0; i < 3; i++)
            Pinged();
        Until.True(() =>
        {
            clock.Pass(interval / 4);
            return stream.Viewers == 0;
        }, "he has gone");
        Assert.Equal(SocketError.ConnectionReset, Assert.Throws<SocketException>(() => client.ReadBody(1)).SocketErrorCode);
    }

    private static void SkipMessages(RawClient client, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var start = client.ReadBody(4);
            Assert.Equal((0x82, 126), (start[0], start[1]));
            client.ReadBody((start[2] << 8) | start[3]);
        }
    }

    private static string Upgrade(string target, string version, string key, string more = "") =>
        $"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n{more}\r\n";

    [Fact]
    public async Task Who_may_not_or_asks_for_nothing_is_told_so_as_in_HTTP()
    {
        await using var server = await TestServer.StartAsync("--access.referers={'/live/**': [good.example]}");
        Publish(server);
        int Ask(string target, string version = "13", string key = "dGhlIHNhbXBsZSBub25jZQ==", string origin = "https://good.example")
        {
            using var client = server.Connect();
            client.Send(Upgrade(target, version, key, $"Origin: {origin}\r\n"));
            return client.ReadHead().Status;
        }
        var signed = TestServer.Signed("/live/cam.flv");
        Assert.Equal(101, Ask(signed));
        Assert.Equal(401, Ask("/live/cam.flv"));
        Assert.Equal(403, Ask(signed, origin: "https://bad.example"));
        Assert.Equal(404, Ask(TestServer.Signed("/live/other.flv")));
        Assert.Equal(426, Ask(signed, version: "8"));
        Assert.Equal(400, Ask(signed, key: "dGhlIHNhbXBs"));
    }
}
