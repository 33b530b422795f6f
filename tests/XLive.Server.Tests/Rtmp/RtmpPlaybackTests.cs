using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;
using XLive.Media;
using XLive.Media.Rtmp;
using XLive.Media.Tests.Rtmp;
using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Sessions;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Live;
using XLive.Server.Tests.Tls;

namespace XLive.Server.Tests.Rtmp;

public sealed class RtmpPlaybackTests
{
    private static readonly StreamName Name = new("live", "cam");

    private static readonly string Link = "cam?" + TestServer.Grant();

    private static async Task<(TestServer Server, int Port)> StartAsync(params string[] settings)
    {
        var port = FreePort.Next();
        return (await TestServer.StartAsync([$"--rtmp.port={port}", .. settings]), port);
    }

    private static Publication Publish(TestServer server) => Film.Publish(server, Name);

    private static RtmpClient Play(int port, string name, int stream = 1, Func<Stream, Stream>? wrap = null)
    {
        var client = new RtmpClient(port, wrap);
        client.Connect();
        for (var i = 1; i <= stream; i++)
            client.Send(Wire.Command(0, "createStream", 1 + i, null));
        client.Send(Wire.Command((uint)stream, "play", 9, null, name));
        return client;
    }

    private static int NumberOf(in RtmpMessage message) => BitConverter.ToInt32(message.Payload.Span[(message.Type == RtmpMessageType.Video ? 5 : 2)..]);

    private static bool IsConfiguration(in RtmpMessage message) => message.Payload.Span[1] == 0;

    // The next frame; what stands between is given to the other.
    private static RtmpMessage Frame(RtmpClient client, Action<RtmpMessage>? other = null)
    {
        while (client.Next() is { } message)
        {
            if (message.Type is RtmpMessageType.Video or RtmpMessageType.Audio && !IsConfiguration(message))
                return message;
            other?.Invoke(message);
        }
        Assert.Fail("the connection has ended");
        return default;
    }

    [Fact]
    public async Task From_the_last_keyframe_on_until_the_stream_ends_and_each_byte_is_charged()
    {
        var (server, port) = await StartAsync();
        await using var _ = server;
        var turn = Publish(server);
        // Beyond four and a half hours times have a longer form; frames of more than a chunk have several.
        var (film, begin) = (new Film(new Random(7)) { MostBytes = 200_000 }, turn.Begin + (0xFFFFFFL - 1200) * Timestamp.PerMillisecond);
        var expected = new ArrayBufferWriter<byte>();
        RtmpMedia.WriteMetadata(expected, Film.Video, Film.Audio);
        void Go(int from, int frames)
        {
            for (var i = from; i < from + frames; i++)
            {
                var frame = film.Next(begin);
                if (i == 40)
                    expected.Write(Film.Configurations(WireForm.Rtmp, frame.Decoded));
                if (i >= 40)
                    RtmpMedia.WriteFrame(expected, frame);
                turn.Publish(frame);
            }
        }
        Go(0, 50);
        using var client = Play(port, Link);
        client.Hear("NetStream.Play.Reset");
        Assert.Equal(1u, client.Hear("NetStream.Play.Start").StreamId);
        client.Hear("|RtmpSampleAccess");
        client.Hear("onMetaData");
        foreach (var (type, configuration) in new[] { (RtmpMessageType.Video, Film.Video.Configuration), (RtmpMessageType.Audio, Film.Audio.Configuration) })
        {
            var message = client.Next()!.Value;
            Assert.Equal((type, 1u), (message.Type, message.StreamId));
            Assert.Equal(configuration.ToArray(), message.Payload[(type == RtmpMessageType.Video ? 5 : 2)..].ToArray());
        }
        var stream = server.Get<LiveStreams>().All.Single();
        Assert.Equal(1, stream.ViewersOf(ViewerKind.Rtmp));
        Go(50, 50);
        turn.End(PublishEnd.Finished);
        for (var i = 40; i < 100; i++)
        {
            var frame = Frame(client);
            Assert.Equal((i, begin.Milliseconds + (i / 2 * 40)), (NumberOf(frame), frame.Timestamp));
        }
        client.Hear("NetStream.Play.UnpublishNotify");
        Assert.Equal(RtmpMessageType.UserControl, client.Next()!.Value.Type);
        client.Hear("NetStream.Play.Stop");
        Until.Equal(0, () => stream.Viewers, "viewers");
        var session = server.Get<SessionTable>().All.Single();
        Assert.Equal(("u1", "/live/cam", expected.WrittenCount), (session.Uid, session.Path, session.Bytes));
        Until.True(() => server.Log("access.log").Contains("\"PLAY /live/cam?", StringComparison.Ordinal), "a line in the log");
        Assert.Contains($" 200 {expected.WrittenCount} ", server.Log("access.log"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Codecs_by_FourCC_go_to_those_who_take_them()
    {
        var (server, port) = await StartAsync();
        await using var _ = server;
        var video = new Track { Kind = TrackKind.Video, Codec = Codec.Hevc, Configuration = new byte[] { 1, 2, 3 }, CodecName = "hvc1.1.6.L60.90", Width = 640, Height = 360 };
        var audio = new Track { Kind = TrackKind.Audio, Codec = Codec.Opus, Configuration = new byte[] { 4, 5 }, CodecName = "Opus", SampleRate = 48_000, Channels = 2 };
        var turn = server.Get<LiveStreams>().TryPublish(Name, Film.Somebody, out var refusal);
        Assert.True(turn is not null, refusal);
        turn.Announce(video, turn.Begin);
        turn.Announce(audio, turn.Begin);
        turn.Publish(new Frame(video, turn.Begin, 0, FrameFlags.Key, new byte[] { 6, 7 }));
        turn.Publish(new Frame(audio, turn.Begin, 0, FrameFlags.Key, new byte[] { 8 }));

        foreach (var (list, lacking) in new (string[], string)[] { ([], "hvc1.1.6.L60.90"), (["av01", "Opus"], "hvc1.1.6.L60.90"), (["hvc1"], "Opus") })
        {
            using var refused = Play(list);
            var said = System.Text.Encoding.ASCII.GetString(refused.Hear("NetStream.Play.Failed").Payload.Span);
            Assert.Contains(lacking, said, StringComparison.Ordinal);
            Assert.Null(refused.Next());
        }
        foreach (var list in (string[][])[["hvc1", "Opus"], ["*"]])
        {
            using var client = Play(list);
            Assert.Contains("fourCcList", System.Text.Encoding.ASCII.GetString(client.Hear("NetConnection.Connect.Success").Payload.Span), StringComparison.Ordinal);
            client.Hear("onMetaData");
            var sent = Enumerable.Range(0, 4).Select(i => Convert.ToHexStringLower(client.Next()!.Value.Payload.Span)).ToArray();
            Assert.Equal(["9068766331" + "010203", "904f707573" + "0405", "9368766331" + "0607", "914f707573" + "08"], sent);
        }
        Until.True(() => server.Log("access.log").Contains(" 415 ", StringComparison.Ordinal), "a line in the log");

        RtmpClient Play(string[] list)
        {
            var client = new RtmpClient(port);
            client.Handshake();
            client.Send(Wire.EnhancedConnect(list), Wire.Command(0, "createStream", 2, null), Wire.Command(1, "play", 9, null, Link));
            return client;
        }
    }

    /// <summary>Of so many viewers the pages themselves lie in the sockets' queues: what comes later is written elsewhere.</summary>
    [Fact]
    public async Task What_waits_in_the_queues_of_many_is_not_written_over()
    {
        var (server, port) = await StartAsync("--live.memory_per_stream=4MiB", "--network.send_idle_timeout=5m");
        await using var _ = server;
        var turn = Publish(server);
        var film = new Film(new Random(7));
        turn.Publish(film.Next());
        List<RtmpClient> clients = [.. Enumerable.Range(0, Slab.LeastViewers).Select(i => Play(port, "cam?" + TestServer.Grant("u" + i)))];
        var stream = server.Get<LiveStreams>().All.Single();
        Until.Equal(clients.Count, () => stream.ViewersOf(ViewerKind.Rtmp), "viewers");
        // 12 MB are a dozen times what is kept in this form. Two read as it comes, so that the others are sent it too; these read nothing.
        for (var i = 1; i < 1200; i++)
        {
            turn.Publish(film.Next());
            foreach (var reader in clients.Take(i % 8 == 0 ? 2 : 0))
            {
                while (NumberOf(Frame(reader)) < i)
                {
                }
            }
        }
        foreach (var client in clients.Skip(2).Take(5))
        {
            var seen = 0;
            while (client.Socket.Available > 0)
            {
                var frame = Frame(client);
                var payload = frame.Payload.Span[(frame.Type == RtmpMessageType.Video ? 5 : 2)..];
                Assert.True(payload[4..].IndexOfAnyExcept((byte)NumberOf(frame)) < 0, $"in the frame {NumberOf(frame)}, the {seen}th that came, lie others' bytes");
                seen++;
            }
            Assert.InRange(seen, 20, 1200);
        }
        turn.End(PublishEnd.Finished);
        clients.ForEach(static c => c.Dispose());
    }

    [Theory]
    [InlineData("cam", "NetStream.Play.Failed", "no_grant", 401)]
    [InlineData("cam?uid=u1&expires=1&token=nV600swVPV9-L8vIIFr7IcTjVjvedAerpceJCnWLdWE", "NetStream.Play.Failed", "wrong_token", 401)]
    [InlineData("other?", "NetStream.Play.StreamNotFound", "no_stream", 404)]
    [InlineData("../x", "NetStream.Play.StreamNotFound", null, 0)]
    public async Task Who_may_not_or_asks_for_nothing_is_told_so(string name, string code, string? reason, int status)
    {
        var (server, port) = await StartAsync();
        await using var _ = server;
        var turn = Publish(server);
        turn.Publish(new Film(new Random(7)).Next());
        using var client = Play(port, name.EndsWith('?') ? name + TestServer.Grant() : name);
        var heard = System.Text.Encoding.ASCII.GetString(client.Hear(code).Payload.Span);
        if (status == 401)
            Assert.Contains(reason!, heard, StringComparison.Ordinal);
        client.Socket.Shutdown(SocketShutdown.Send);
        Assert.Null(client.Next());
        Assert.Equal(0, server.Get<LiveStreams>().All.Single().Viewers);
        if (reason is null)
            return;
        var audit = server.Log("audit.log");
        Assert.Contains(reason, audit, StringComparison.Ordinal);
        Assert.Contains($" {status} 0 ", server.Log("access.log"), StringComparison.Ordinal);
        Assert.DoesNotContain("nV600swVPV9", audit + server.Log("access.log"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kick_ends_it_and_its_link_is_barred()
    {
        var (server, port) = await StartAsync();
        await using var _ = server;
        var turn = Publish(server);
        var film = new Film(new Random(7));
        turn.Publish(film.Next());
        using var client = Play(port, Link);
        Frame(client);
        var session = server.Get<SessionTable>().All.Single();
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        server.Get<SessionTable>().Revocations.Put(new Revocation(RevocationKind.Sid, session.Sid, now, now + 600, "", "test", IsKick: true, session.Entry));
        for (var i = 0; i < 5; i++)
            turn.Publish(film.Next());
        client.Hear("Kicked");
        client.Socket.Shutdown(SocketShutdown.Send);
        Assert.Null(client.Next());
        Until.Equal(0, () => server.Get<LiveStreams>().All.Single().Viewers, "viewers");
        using var again = Play(port, Link);
        again.Hear("kicked");
    }

    [Fact]
    public async Task Paused_it_sends_nothing_and_goes_on_at_a_keyframe()
    {
        var (server, port) = await StartAsync();
        await using var _ = server;
        var turn = Publish(server);
        var film = new Film(new Random(7));
        void Go(int frames)
        {
            for (var i = 0; i < frames; i++)
                turn.Publish(film.Next());
        }
        Go(1);
        using var client = Play(port, Link);
        Assert.Equal(0, NumberOf(Frame(client)));
        client.Send(Wire.Command(1, "pause", 0, null, true, 0.0));
        client.Hear("NetStream.Pause.Notify");
        Go(75);
        client.Send(Wire.Command(1, "pause", 0, null, false, 0.0));
        client.Hear("NetStream.Unpause.Notify");
        Go(1);
        var told = new List<RtmpMessageType>();
        Assert.Equal(60, NumberOf(Frame(client, m => told.Add(m.Type))));
        Assert.Equal([RtmpMessageType.Video, RtmpMessageType.Audio], told);
        Assert.Equal(61, NumberOf(Frame(client)));
        Assert.Equal(0, server.Get<LiveStreams>().All.Single().FramesSkipped);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task One_may_want_no_picture_for_a_while_on_whatever_message_stream(int stream)
    {
        var (server, port) = await StartAsync();
        await using var _ = server;
        var turn = Publish(server);
        var film = new Film(new Random(7)) { MostBytes = 100_000 };
        void Go(int frames)
        {
            for (var i = 0; i < frames; i++)
                turn.Publish(film.Next());
        }
        Go(4);
        using var client = Play(port, Link, stream);
        for (var i = 0; i < 4; i++)
        {
            var frame = Frame(client);
            Assert.Equal((i, (uint)stream), (NumberOf(frame), frame.StreamId));
        }
        // What is asked for later is answered later: then the wish is known.
        void Ask(string command, bool wanted)
        {
            client.Send(Wire.Command((uint)stream, command, 0, null, wanted), Wire.Command(0, "getStreamLength", 77, null, "cam"));
            while (client.Next() is { } message && message.Type != RtmpMessageType.Command)
                Assert.Fail("a frame that nobody published");
        }
        Ask("receiveVideo", false);
        Go(10);
        for (var i = 5; i < 14; i += 2)
            Assert.Equal((RtmpMessageType.Audio, i), (Frame(client) is var f ? f.Type : default, NumberOf(f)));
        Ask("receiveVideo", true);
        Go(10);
        var seen = Enumerable.Range(0, 7).Select(_ => NumberOf(Frame(client))).ToList();
        Assert.Equal([15, 17, 19, 20, 21, 22, 23], seen);
        Ask("receiveAudio", false);
        Go(4);
        Assert.Equal([24, 26], [NumberOf(Frame(client)), NumberOf(Frame(client))]);
    }

    [Fact]
    public async Task A_slow_one_costs_no_memory_and_goes_on_at_the_newest_keyframe()
    {
        var (server, port) = await StartAsync("--live.memory_per_stream=8MiB");
        await using var _ = server;
        var turn = Publish(server);
        var film = new Film(new Random(7));
        turn.Publish(film.Next());
        using var client = Play(port, Link);
        Assert.Equal(0, NumberOf(Frame(client)));
        var streams = server.Get<LiveStreams>();
        // Far more than the sockets between them hold.
        for (var i = 1; i < 4000; i++)
        {
            turn.Publish(film.Next());
            Assert.InRange(streams.MemoryBytes, 0, 4 << 20);
        }
        var last = 0;
        var (jumps, told) = (0, 0);
        while (last < 3999)
        {
            told = 0;
            var frame = Frame(client, _ => told++);
            var number = NumberOf(frame);
            if (number != last + 1)
            {
                Assert.True(number > last && number % 20 == 0 && told == 2, $"from {last} to {number}, told {told}");
                jumps++;
            }
            last = number;
        }
        Assert.InRange(jumps, 1, 20);
        Assert.InRange(streams.All.Single().FramesSkipped, 20, 3999);
        turn.End(PublishEnd.Finished);
    }

    [Fact]
    public async Task One_that_has_gone_is_no_viewer()
    {
        var (server, port) = await StartAsync();
        await using var _ = server;
        var turn = Publish(server);
        var film = new Film(new Random(7));
        turn.Publish(film.Next());
        var stream = server.Get<LiveStreams>().All.Single();
        using (var client = Play(port, Link))
        {
            Frame(client);
            client.Send(Wire.Command(0, "deleteStream", 0, null, 1.0));
            Until.Equal(0, () => stream.Viewers, "viewers");
            // The connection goes on, and may play again.
            client.Send(Wire.Command(0, "createStream", 5, null), Wire.Command(1, "play", 0, null, Link));
            Frame(client);
        }
        Until.Equal(0, () => stream.Viewers, "viewers");
        Until.Equal(0, () => server.Get<RtmpConnections>().Open, "connections");
    }

    [Fact]
    public async Task Over_TLS_and_with_the_link_behind_the_application()
    {
        var folder = Directory.CreateTempSubdirectory("xlive-rtmps-").FullName;
        var port = FreePort.Next();
        await using var server = await TestServer.StartAsync([.. TestAuthority.SelfSigned().Options(folder, FreePort.Next()), $"--rtmps.port={port}"]);
        var turn = Publish(server);
        var film = new Film(new Random(7)) { MostBytes = 200_000 };
        turn.Publish(film.Next());
        using var client = new RtmpClient(port, inner =>
        {
            var tls = new SslStream(inner);
            tls.AuthenticateAsClient(TlsServer.Client());
            return tls;
        });
        client.Connect("live?" + TestServer.Grant());
        client.Send(Wire.Command(0, "createStream", 2, null), Wire.Command(1, "play", 3, null, "cam"));
        Assert.Equal(0, NumberOf(Frame(client)));
        for (var i = 1; i < 40; i++)
        {
            turn.Publish(film.Next());
            Assert.Equal(i, NumberOf(Frame(client)));
        }
        Assert.InRange(server.Get<SessionTable>().All.Single().Bytes, 100_000, 10_000_000);
        Directory.Delete(folder, true);
    }

    [Fact]
    public async Task Our_own_client_plays_it()
    {
        var (server, port) = await StartAsync();
        await using var _ = server;
        var turn = Publish(server);
        var film = new Film(new Random(7)) { MostBytes = 100_000 };
        for (var i = 0; i < 6; i++)
            turn.Publish(film.Next());
        using var tcp = new TcpClient("127.0.0.1", port) { ReceiveTimeout = (int)Until.Patience.TotalMilliseconds };
        var session = new RtmpClientSession(new RtmpTarget("live", "rtmp://localhost/live", Link, Publishes: false), 0, new Random(7));
        var (buffer, events) = (new byte[65536], new List<RtmpEventKind>());
        while (!session.IsOver)
        {
            tcp.GetStream().Write(session.Output.WrittenSpan);
            session.Output.ResetWrittenCount();
            var length = tcp.GetStream().Read(buffer);
            Assert.NotEqual(0, length);
            for (var rest = buffer.AsMemory(0, length); session.Read(rest, 0, out var consumed, out var occurred); rest = rest[consumed..])
                events.Add(occurred.Kind);
            if (events.Count >= 9)
                turn.End(PublishEnd.Finished);
        }
        Assert.Equal([RtmpEventKind.Established, RtmpEventKind.Video, RtmpEventKind.Audio, RtmpEventKind.Video, RtmpEventKind.Audio, RtmpEventKind.Video, RtmpEventKind.Audio,
            RtmpEventKind.Video, RtmpEventKind.Audio, RtmpEventKind.PlayEnded], events);
    }
}
