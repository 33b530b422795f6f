using XLive.Media.Rtmp;

namespace XLive.Media.Tests.Rtmp;

/// <summary>Our client against our server, in pieces of any size.</summary>
public class ClientSessionTests
{
    private static readonly RtmpTarget Push = new("live", "rtmp://host/live", "cam?key=K", true);
    private static readonly RtmpTarget Pull = Push with { Publishes = false };

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(100_000)]
    public void Publishing(int piece)
    {
        var pair = new Pair(Push, piece);
        pair.Run();
        Assert.Equal(["ConnectRequested", "PublishRequested"], pair.AtServer);
        Assert.Equal(["Established"], pair.AtClient);
        Assert.Equal(new RtmpPublish(1, "cam", "key=K", "live"), pair.Asked.Publish);
        Assert.Equal((1u, true), (pair.Client.StreamId, pair.Client.IsEstablished));

        byte[] frame = Wire.Bytes(100_000);
        ChunkWriter.Write(pair.Client.Output, ChunkWriter.VideoChunks, RtmpMessageType.Video, pair.Client.StreamId, 40, frame);
        pair.Client.Leave();
        pair.Run();
        Assert.Equal(["Video " + Wire.Print(new RtmpMessage(RtmpMessageType.Video, 1, 40, frame)), "PublishEnded"], pair.AtServer[2..]);
        Assert.True(pair.Client.IsOver);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    public void Playing(int piece)
    {
        var pair = new Pair(Pull, piece);
        pair.Run();
        Assert.Equal(new RtmpPlay(1, "cam", "key=K", -2000, -1, true), pair.Asked.Play);
        Assert.Equal(["Established"], pair.AtClient);
        ChunkWriter.Write(pair.Server.Output, ChunkWriter.AudioChunks, RtmpMessageType.Audio, 1, 7, [0xAF, 1, 2]);
        pair.Run();
        pair.Server.EndPlay();
        pair.Run();
        Assert.Equal(["Established", "Audio 8/1@7:AF0102", "PlayEnded"], pair.AtClient);
    }

    [Fact]
    public void A_refusal_is_told_with_its_reason()
    {
        var pair = new Pair(Push, 1000) { Refusal = ("NetStream.Publish.BadName", "It is being published.") };
        pair.Run();
        Assert.Equal(["Refused NetStream.Publish.BadName It is being published."], pair.AtClient);
        Assert.True(pair.Client.IsOver);
        Assert.False(pair.Client.IsEstablished);
    }

    [Fact]
    public void Who_leaves_before_the_answer_takes_back_what_he_asked_for_and_who_was_refused_nothing()
    {
        var pair = new Pair(Push, 1000) { IsUndecided = true };
        pair.Run();
        Assert.Equal((1u, false), (pair.Client.StreamId, pair.Client.IsEstablished));
        pair.Client.Leave();
        Assert.Contains("FCUnpublish", Said(pair.Client), StringComparison.Ordinal);
        pair.Server.Accept();
        pair.Run();
        Assert.Equal(["ConnectRequested", "PublishRequested", "PublishEnded"], pair.AtServer);

        pair = new Pair(Push, 1000) { Refusal = ("NetStream.Publish.BadName", "It is being published.") };
        pair.Run();
        pair.Client.Leave();
        Assert.Empty(Said(pair.Client));

        // Before there is a stream there is none to be ended.
        var early = new RtmpClientSession(Push, 0, new Random(1));
        early.Output.ResetWrittenCount();
        early.Leave();
        Assert.Empty(Said(early));
    }

    private static string Said(RtmpClientSession client) => System.Text.Encoding.Latin1.GetString(client.Output.WrittenSpan);

    [Fact]
    public void What_is_no_server_is_a_fault()
    {
        var client = new RtmpClientSession(Push, 0, new Random(1));
        Assert.Equal(RtmpFault.NotRtmp, Assert.Throws<RtmpException>(() => client.Read("HTTP/1.1 400 Bad Request"u8.ToArray(), 0, out _, out _)).Fault);
    }

    private sealed class Pair(RtmpTarget target, int piece)
    {
        public RtmpServerSession Server { get; } = new(new Random(1));
        public RtmpClientSession Client { get; } = new(target, 0, new Random(2));
        public (string Code, string Description)? Refusal { get; init; }
        public bool IsUndecided { get; init; }
        public List<string> AtServer { get; } = [];
        public List<string> AtClient { get; } = [];
        public RtmpEvent Asked { get; private set; }

        public void Run()
        {
            while (Server.Output.WrittenCount + Client.Output.WrittenCount > 0)
            {
                byte[] toServer = Client.Output.WrittenSpan.ToArray(), toClient = Server.Output.WrittenSpan.ToArray();
                Client.Output.ResetWrittenCount();
                Server.Output.ResetWrittenCount();
                foreach (byte[] part in Wire.Cut(toServer, piece))
                    Serve(part);
                foreach (byte[] part in Wire.Cut(toClient, piece))
                {
                    ReadOnlyMemory<byte> rest = part;
                    for (; Client.Read(rest, 0, out int consumed, out var occurred); rest = rest[consumed..])
                        AtClient.Add(Print(occurred));
                }
            }
        }

        private void Serve(ReadOnlyMemory<byte> rest)
        {
            while (Server.Read(rest, 0, out int consumed, out var occurred))
            {
                rest = rest[consumed..];
                AtServer.Add(Print(occurred));
                if (!Server.IsWaiting)
                    continue;
                Asked = occurred;
                if (occurred.Kind != RtmpEventKind.ConnectRequested && IsUndecided)
                    return;
                if (occurred.Kind != RtmpEventKind.ConnectRequested && Refusal is var (code, description))
                    Server.Refuse(code, description);
                else
                    Server.Accept();
            }
        }

        private static string Print(in RtmpEvent occurred) => occurred.Kind switch
        {
            RtmpEventKind.Audio or RtmpEventKind.Video => occurred.Kind + " " + Wire.Print(occurred.Message),
            RtmpEventKind.Refused => $"Refused {occurred.Status.Code} {occurred.Status.Description}",
            _ => occurred.Kind.ToString(),
        };
    }
}
