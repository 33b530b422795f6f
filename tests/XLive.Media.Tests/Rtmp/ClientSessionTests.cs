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

    [Theory]
    [InlineData(null, false, null)] // it names none
    [InlineData("", false, "hvc1")]
    [InlineData("av01,Opus", false, "hvc1")]
    [InlineData("hvc1", false, "Opus")]
    [InlineData("hvc1,Opus", false, null)]
    [InlineData("Opus,hvc1", true, null)]
    [InlineData("av01", true, "hvc1")]
    [InlineData("*", false, null)]
    public void A_server_is_held_to_the_codecs_that_it_names(string? list, bool inFirst, string? other)
    {
        var (occurred, client) = Answered(Push, Wire.Connected(list?.Split(',', StringSplitOptions.RemoveEmptyEntries), inFirst));
        Assert.Equal((other is not null, list is not null), (client.IsOver, client.Codecs.IsNamed));
        // To one that does not take it nothing more is said.
        Assert.Equal(other is null, Said(client).Contains("createStream", StringComparison.Ordinal));
        if (other is not null)
            Assert.Equal((RtmpEventKind.NotTaken, other), (occurred!.Value.Kind, occurred.Value.Track.CodecName));
    }

    [Theory]
    [InlineData(1, true)] // decodes
    [InlineData(2, false)] // encodes
    [InlineData(4, true)] // forwards
    public void Or_to_the_map_of_what_it_can_do(double can, bool takes)
    {
        var (_, client) = Answered(Push, Wire.Connected(["Opus"], maps: ("videoFourCcInfoMap", "hvc1", can)));
        Assert.Equal(takes, !client.IsOver);
    }

    [Fact]
    public void Capabilities_alone_name_no_codecs_and_H264_goes_to_everybody()
    {
        var (_, client) = Answered(Push, Wire.Command(0, "_result", 1, null, new Dictionary<string, string> { ["capsEx"] = "12" }));
        Assert.False(client.IsOver);
        (_, client) = Answered(Push with { Tracks = [SyntheticStream.Video, SyntheticStream.Aac, SyntheticStream.Mp3] }, Wire.Connected([]));
        Assert.False(client.IsOver);
        // Of what is fetched it has no say.
        (_, client) = Answered(Pull, Wire.Connected(["av01"]));
        Assert.False(client.IsOver);
    }

    private static (RtmpEvent? Occurred, RtmpClientSession Client) Answered(RtmpTarget target, byte[] connected)
    {
        Track[] tracks =
        [
            new() { Kind = TrackKind.Video, Codec = Codec.Hevc, Configuration = default, CodecName = "hvc1" },
            new() { Kind = TrackKind.Audio, Codec = Codec.Opus, Configuration = default, CodecName = "Opus" },
        ];
        var client = new RtmpClientSession(target.Tracks.Count > 0 ? target : target with { Tracks = tracks }, 0, new Random(1));
        client.Read((byte[])[3, .. new byte[1536], .. new byte[1536]], 0, out _, out _);
        client.Output.ResetWrittenCount();
        var any = client.Read(connected, 0, out _, out var occurred);
        return (any ? occurred : null, client);
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
