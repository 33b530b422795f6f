using System.Net.Security;
using System.Net.Sockets;
using XLive.Media.Rtmp;
using XLive.Media.Tests.Rtmp;
using XLive.Server.Rtmp;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Tls;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Rtmp;

public sealed class RtmpConnectionTests
{
    [Theory]
    [InlineData("ffmpeg-5.1", "key=K")]
    [InlineData("rtmp2sink-1.22", "")]
    [InlineData("librtmp-2.4", "")]
    public async Task What_a_program_sends_reaches_the_publisher(string capture, string query)
    {
        await using var server = await RtmpServer.StartAsync();
        using var client = server.Connect();
        client.Send(Wire.Capture(capture));
        client.Socket.Shutdown(SocketShutdown.Send);
        var role = server.TheRole();
        Until.True(() => !role.Ends.IsEmpty, "its end");
        Assert.Equal(("cam", query), (role.Name, role.Query));
        Assert.Equal([RtmpEnd.Said], role.Ends);
        Assert.InRange(role.Messages, 30, 200);
        Until.Equal(0, () => server.Connections.Open, "connections");
    }

    [Fact]
    public async Task Without_a_goodbye_it_is_closed_and_with_nonsense_faulty()
    {
        await using var server = await RtmpServer.StartAsync();
        using (var client = server.Connect())
            client.Publish("cam");
        Until.Equal(RtmpEnd.Closed, () => server.TheRole().Ends.FirstOrDefault(RtmpEnd.Said), "closed");

        server.Roles.Clear();
        using var other = server.Connect();
        other.Publish("cam");
        other.Send(Wire.Message(2, 1, 0, 0, [0, 0, 0, 0]));
        Assert.Null(other.Next());
        Assert.Equal([RtmpEnd.Faulty], server.TheRole().Ends);
        Assert.Equal(1, server.Connections.Faults(RtmpFault.ChunkSize));
    }

    /// <summary>Most encoders say all of it, and some only one word: each is enough, and what follows ends nothing more.</summary>
    [Theory]
    [InlineData("FCUnpublish")]
    [InlineData("deleteStream")]
    [InlineData("closeStream")]
    public async Task One_word_ends_a_publish_and_no_second_does(string word)
    {
        await using var server = await RtmpServer.StartAsync();
        using var client = server.Connect();
        client.Publish("cam");
        byte[] Said(string command) => command switch
        {
            "FCUnpublish" => Wire.Command(0, command, 6, null, "cam"),
            "deleteStream" => Wire.Command(0, command, 7, null, 1.0),
            _ => Wire.Command(1, command, 0, null),
        };
        client.Send(Said(word));
        client.Hear("NetStream.Unpublish.Success");
        var role = server.TheRole();
        Until.Equal(1, () => role.Ends.Count, "ends");
        client.Send(Said("FCUnpublish"), Said("closeStream"), Said("deleteStream"));
        client.Send(Wire.Message(4, 8, 1, 10, [0xAF, 1]));
        client.Socket.Shutdown(SocketShutdown.Send);
        while (client.Next() is { } message)
            Assert.DoesNotContain("Unpublish", System.Text.Encoding.Latin1.GetString(message.Payload.Span), StringComparison.Ordinal);
        Until.Equal(0, () => server.Connections.Open, "connections");
        Assert.Equal([RtmpEnd.Said], role.Ends);
        Assert.Equal((0, 1), (role.Messages, server.Roles.Count));
    }

    [Fact]
    public async Task What_is_no_RTMP_is_closed_at_once()
    {
        await using var server = await RtmpServer.StartAsync();
        using var client = server.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
        Assert.Null(client.Next());
        Until.Equal(1, () => server.Connections.Faults(RtmpFault.NotRtmp), "faults");
    }

    [Fact]
    public async Task A_refusal_arrives_whatever_the_encoder_sends_meanwhile()
    {
        await using var server = await RtmpServer.StartAsync();
        server.Decision = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var client = server.Connect();
        client.Connect();
        client.Send(Wire.Command(0, "createStream", 2, null), Wire.Command(1, "publish", 3, null, "cam", "live"));
        client.Send(Enumerable.Repeat(Wire.Message(6, 9, 1, 0, new byte[60_000]), 8).ToArray());
        server.Decision.SetResult("NetStream.Publish.BadName");
        Assert.Equal(1u, client.Hear("NetStream.Publish.BadName").StreamId);
        client.Socket.Shutdown(SocketShutdown.Send);
        Assert.Null(client.Next());
        Assert.Empty(server.Roles);
        Assert.Equal(1, server.Connections.Refused);
    }

    [Fact]
    public async Task An_application_that_there_is_not_is_refused()
    {
        await using var server = await RtmpServer.StartAsync();
        using var client = server.Connect();
        client.Connect("films");
        client.Hear("NetConnection.Connect.Rejected");
    }

    [Fact]
    public async Task Silence_ends_a_publisher_within_ten_seconds_and_whoever_never_asks()
    {
        var clock = new HandClock();
        await using var server = await RtmpServer.StartAsync(clock);
        using var mute = server.Connect();
        Until.Equal(1, () => server.Connections.Open, "connections");
        using var client = server.Connect();
        client.Publish("cam");
        var role = server.TheRole();
        for (var i = 0; i < 8; i++)
            clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Empty(role.Ends);
        client.Send(Wire.Message(4, 8, 1, 10, [0xAF, 1]));
        Until.Equal(1, () => role.Messages, "messages");
        // Each second a look; it runs on another thread, so it is waited for. After twelve the door's own would cut the mute one as well.
        void Pass(int seconds, Func<bool> holds, string what)
        {
            clock.Pass(TimeSpan.FromSeconds(seconds));
            Until.True(() =>
            {
                clock.Pass(TimeSpan.FromMilliseconds(1));
                return holds();
            }, what);
        }
        Pass(3, () => server.Connections.Silent == 1, "the mute one's end");
        Assert.Empty(role.Ends);
        Pass(7, () => !role.Ends.IsEmpty, "its end");
        Assert.Equal([RtmpEnd.Silent], role.Ends);
        Assert.Null(client.Next());
        Assert.Null(mute.Next());
        Assert.Equal(2, server.Connections.Silent);
    }

    [Fact]
    public async Task A_publisher_that_is_cut_is_told()
    {
        await using var server = await RtmpServer.StartAsync();
        using var client = server.Connect();
        client.Publish("cam");
        server.TheRole().Connection.Close("NetStream.Publish.Denied", "Another took its place.");
        client.Hear("Another took its place.");
        client.Socket.Shutdown(SocketShutdown.Send);
        Assert.Null(client.Next());
        Assert.Equal([RtmpEnd.Cut], server.TheRole().Ends);
    }

    [Fact]
    public async Task A_player_is_fed_beside_its_commands_until_the_stream_ends_or_it_goes()
    {
        await using var server = await RtmpServer.StartAsync();
        using var client = server.Connect();
        client.Connect();
        client.Send(Wire.Command(0, "createStream", 2, null), Wire.Command(1, "play", 4, null, "cam?t=1"));
        client.Hear("NetStream.Play.Start");
        RtmpMessage message;
        do
            message = client.Next()!.Value;
        while (message.Type != RtmpMessageType.Video);
        Assert.Equal((1u, 40u), (message.StreamId, message.Timestamp));
        client.Send(Wire.Command(1, "pause", 0, null, true, 0));
        client.Hear("NetStream.Pause.Notify");
        var role = server.TheRole();
        Assert.Equal([RtmpEventKind.Paused], role.Told);
        role.EndStream();
        client.Hear("NetStream.Play.UnpublishNotify");
        client.Hear("NetStream.Play.Stop");

        server.Roles.Clear();
        client.Send(Wire.Command(1, "play", 5, null, "cam"));
        client.Hear("NetStream.Play.Start");
        client.Socket.Close();
        Until.True(() => server.TheRole().IsGone, "the player's end");
    }

    [Fact]
    public async Task Answers_that_nobody_reads_are_not_gathered()
    {
        await using var server = await RtmpServer.StartAsync();
        using var client = server.Connect();
        client.Connect();
        client.Send(Wire.Command(0, "createStream", 2, null), Wire.Command(1, "play", 4, null, "cam"));
        client.Socket.ReceiveBufferSize = 4096;
        client.Socket.SendTimeout = 2000;
        // Each is answered. The server stops reading when the answers find no room: the sender feels it before long.
        var many = Enumerable.Repeat(Wire.Command(0, "nobody", 7, null), 1000).SelectMany(c => c).ToArray();
        var sent = 0L;
        Assert.ThrowsAny<IOException>(() =>
        {
            for (; sent < 256L << 20; sent += many.Length)
                client.Send(many);
        });
        Assert.InRange(sent, 0, 64L << 20);
    }

    [Fact]
    public async Task The_same_over_TLS()
    {
        var folder = Directory.CreateTempSubdirectory("xlive-rtmps-").FullName;
        var port = FreePort.Next();
        await using var server = await RtmpServer.StartAsync(null, [.. TestAuthority.SelfSigned().Options(folder, FreePort.Next()), $"--rtmps.port={port}"]);
        using var client = new RtmpClient(port, inner =>
        {
            var tls = new SslStream(inner);
            tls.AuthenticateAsClient(TlsServer.Client());
            return tls;
        });
        client.Publish("cam");
        Assert.True(server.TheRole().Connection.IsTls);
        client.Send(Wire.Message(6, 9, 1, 0, new byte[100_000]));
        Until.Equal(1, () => server.TheRole().Messages, "messages");
        Directory.Delete(folder, true);
    }
}
