using System.Buffers;
using XLive.Media.Amf;
using XLive.Media.Rtmp;
using static XLive.Media.Tests.Amf.Amf0Tests;

namespace XLive.Media.Tests.Rtmp;

public class ServerSessionTests
{
    private static readonly Dictionary<string, string> App = new() { ["app"] = "live", ["tcUrl"] = "rtmp://host/live" };

    [Fact]
    public void A_publisher_in_the_order_of_FMLE_and_OBS()
    {
        var peer = new Peer();
        peer.Connect(App);
        Assert.Equal(
            ["5/0@0:002625A0", "6/0@0:002625A002", "4/0@0:000000000000"], peer.Sent[..3]);
        Assert.Equal(ChunkWriter.ChunkSize, peer.ChunkSize);
        Assert.Equal("\"_result\" 1 {fmsVer:\"FMS/3,0,1,123\",capabilities:31} {level:\"status\",code:\"NetConnection.Connect.Success\",description:\"Connection succeeded.\",objectEncoding:0}", peer.Said[0]);

        peer.Send(Wire.Command(0, "releaseStream", 2, null, "cam"), Wire.Command(0, "FCPublish", 3, null, "cam"), Wire.Command(0, "createStream", 4, null));
        Assert.Equal(["\"_result\" 2 null undefined", "\"_result\" 3 null undefined", "\"onFCPublish\" 0 null {level:\"status\",code:\"NetStream.Publish.Start\",description:\"FCPublish to stream.\"}", "\"_result\" 4 null 1"], peer.Said);

        peer.Send(Wire.Command(1, "publish", 5, null, "cam?key=K", "live"));
        Assert.Equal("PublishRequested", Assert.Single(peer.Events));
        Assert.Equal(new RtmpPublish(1, "cam", "key=K", "live"), peer.Last.Publish);
        Assert.Empty(peer.Said);
        peer.Session.Accept();
        peer.Send();
        Assert.Equal("1: \"onStatus\" 0 null {level:\"status\",code:\"NetStream.Publish.Start\",description:\"Publishing has begun.\"}", Assert.Single(peer.SaidOnStreams));

        peer.Send(Wire.Message(4, 18, 1, 0, Wire.Amf("@setDataFrame", "onMetaData", 7)), Wire.Message(4, 8, 1, 10, [0xAF, 1, 2]), Wire.Message(6, 9, 1, 12, [0x17, 1, 2]));
        Assert.Equal(["Data 18/1@0:" + Convert.ToHexString(Wire.Amf("onMetaData", 7)), "Audio 8/1@10:AF0102", "Video 9/1@12:170102"], peer.Events);

        // Three ways to say it, and each encoder says all of them.
        peer.Send(Wire.Command(0, "FCUnpublish", 6, null, "cam"), Wire.Command(1, "closeStream", 0, null), Wire.Command(0, "deleteStream", 7, null, 1), Wire.Message(4, 8, 1, 10, [0xAF, 1, 2]));
        Assert.Equal(["PublishEnded"], peer.Events);
        Assert.Contains(peer.SaidOnStreams, s => s.Contains("NetStream.Unpublish.Success", StringComparison.Ordinal));

        // And once more on the same connection.
        peer.Send(Wire.Command(0, "createStream", 8, null), Wire.Command(1, "publish", 0, null, "cam"));
        Assert.Equal("\"_result\" 8 null 1", peer.Said[0]);
        Assert.Equal(["PublishRequested"], peer.Events);
    }

    [Theory]
    [InlineData("FCUnpublish", 0)]
    [InlineData("closeStream", 1)]
    [InlineData("deleteStream", 0)]
    public void One_word_ends_a_publish(string word, uint stream)
    {
        var peer = new Peer();
        peer.Connect(App);
        peer.Send(Wire.Command(0, "createStream", 2, null), Wire.Command(1, "publish", 3, null, "cam"));
        peer.Session.Accept();
        peer.Send();
        byte[] said = Wire.Command(stream, word, 0, null, word == "deleteStream" ? (object)1 : "cam");
        peer.Send(said);
        Assert.Equal(["PublishEnded"], peer.Events);
        Assert.False(peer.Session.IsPublishing);
        peer.Send(said, Wire.Message(4, 8, 1, 10, [0xAF, 1, 2]));
        Assert.Empty(peer.Events);
    }

    [Fact]
    public void What_stands_behind_a_request_waits_for_its_answer()
    {
        var peer = new Peer();
        // All in one piece behind C2, as a client that waits for nothing sends it.
        byte[] all =
        [
            3, .. Wire.Bytes(1536), .. Wire.Bytes(1536), .. Wire.Command(0, "connect", 1, App), .. Wire.Command(0, "createStream", 2, null),
            .. Wire.Command(1, "publish", 3, null, "cam"), .. Wire.Message(4, 8, 1, 10, [0xAF, 1, 2]),
        ];
        var session = peer.Session;
        Assert.True(session.Read(all, 0, out int consumed, out var occurred));
        Assert.Equal(RtmpEventKind.ConnectRequested, occurred.Kind);
        Assert.True(session.IsWaiting);
        Assert.False(session.Read(all.AsMemory(consumed), 0, out int none, out _));
        Assert.Equal(0, none);
        session.Accept();
        Assert.True(session.Read(all.AsMemory(consumed), 0, out int more, out occurred));
        Assert.Equal(RtmpEventKind.PublishRequested, occurred.Kind);
        session.Accept();
        Assert.True(session.Read(all.AsMemory(consumed + more), 0, out _, out occurred));
        Assert.Equal(RtmpEventKind.Audio, occurred.Kind);
    }

    [Fact]
    public void A_player()
    {
        var peer = new Peer();
        peer.Connect(App);
        peer.Send(Wire.Command(0, "createStream", 2, null), Wire.Command(0, "getStreamLength", 3, null, "cam"), Wire.Command(1, "play", 4, null, "cam?token=T", -1000, -1, true));
        Assert.Equal(new RtmpPlay(1, "cam", "token=T", -1000, -1, true), peer.Last.Play);
        Assert.Contains("\"_result\" 3 null 0", peer.Said);
        peer.Session.Accept();
        peer.Send(Wire.Message(2, 4, 0, 0, Hex("0003 00000001 00000BB8")));
        Assert.Equal("4/0@0:000000000001", peer.Sent[0]);
        Assert.Equal(["NetStream.Play.Reset", "NetStream.Play.Start"], peer.Codes);
        Assert.Contains(peer.Sent, s => s.StartsWith("18/1@0:" + Convert.ToHexString(Wire.Amf("|RtmpSampleAccess", true, true)), StringComparison.Ordinal));

        peer.Send(Wire.Command(1, "pause", 0, null, true, 0), Wire.Command(1, "pause", 0, null, false, 0), Wire.Command(1, "receiveVideo", 0, null, false),
            Wire.Command(1, "receiveAudio", 0, null, true), Wire.Command(1, "seek", 0, null, 5000), Wire.Message(4, 8, 1, 10, [0xAF, 1, 2]));
        Assert.Equal(["Paused", "Resumed", "VideoUnwanted", "AudioWanted"], peer.Events);
        Assert.Equal(["NetStream.Pause.Notify", "NetStream.Unpause.Notify", "NetStream.Seek.Failed"], peer.Codes);

        peer.Session.EndPlay();
        peer.Send();
        Assert.Equal(["NetStream.Play.UnpublishNotify", "NetStream.Play.Stop"], peer.Codes);
        Assert.Contains("4/0@0:000100000001", peer.Sent);
        peer.Send(Wire.Command(0, "deleteStream", 0, null, 1));
        Assert.Empty(peer.Events);
    }

    [Fact]
    public void A_refusal_says_why_and_is_the_end()
    {
        var peer = new Peer();
        peer.Send([3, .. Wire.Bytes(1536), .. Wire.Bytes(1536)], Wire.Command(0, "connect", 1, App));
        peer.Session.Refuse("NetConnection.Connect.Rejected", "There is no application of that name.");
        peer.Send(Wire.Command(0, "createStream", 2, null));
        Assert.True(peer.Session.IsOver);
        Assert.Equal("\"_error\" 1 null {level:\"error\",code:\"NetConnection.Connect.Rejected\",description:\"There is no application of that name.\"}", Assert.Single(peer.Said));

        peer = new Peer();
        peer.Connect(App);
        peer.Send(Wire.Command(1, "publish", 3, null, "cam"));
        peer.Session.Refuse("NetStream.Publish.BadName", "It is being published.");
        peer.Send(Wire.Message(4, 8, 1, 10, [0xAF, 1, 2]));
        Assert.Equal("1: \"onStatus\" 0 null {level:\"error\",code:\"NetStream.Publish.BadName\",description:\"It is being published.\"}", Assert.Single(peer.SaidOnStreams));
        Assert.Empty(peer.Events);
    }

    [Theory]
    [InlineData("live", "rtmp://host/live", "live", "")]
    [InlineData("live/", "rtmp://host/live/", "live", "")] // Dahua
    [InlineData("/live", "rtmp://host//live", "live", "")]
    [InlineData("live?key=K", "rtmp://host/live?key=K", "live", "key=K")]
    [InlineData("live", "rtmp://host/live?key=K", "live", "key=K")]
    [InlineData("live/instance", "rtmp://host:1935/live/instance", "live/instance", "")]
    public void The_application(string app, string tcUrl, string name, string query)
    {
        var peer = new Peer();
        peer.Send([3, .. Wire.Bytes(1536), .. Wire.Bytes(1536)], Wire.Command(0, "connect", 1, new Dictionary<string, string> { ["app"] = app, ["tcUrl"] = tcUrl }));
        Assert.Equal((name, query), (peer.Last.Connect.App, peer.Last.Connect.Query));
    }

    [Fact]
    public void A_client_of_AMF3()
    {
        var peer = new Peer();
        byte[] connect = [0, .. Wire.Amf("connect", 1), .. Hex("11 0A 0B 01"), .. Hex("07 617070 06 09 6C697665"), .. Hex("1D 6F626A656374456E636F64696E67 04 03"), 1];
        peer.Send([3, .. Wire.Bytes(1536), .. Wire.Bytes(1536)], Wire.Message(3, 17, 0, 0, connect));
        Assert.Equal(("live", 3), (peer.Last.Connect.App, peer.Last.Connect.ObjectEncoding));
        peer.Session.Accept();
        // With the zero in front and without: Flash, and those who took its word.
        peer.Send(Wire.Message(3, 17, 0, 0, [0, .. Wire.Amf("createStream", 2, null)]), Wire.Message(3, 17, 0, 0, Wire.Amf("createStream", 3, null)));
        Assert.EndsWith("objectEncoding:3}", peer.Said[0], StringComparison.Ordinal);
        Assert.Equal(["\"_result\" 2 null 1", "\"_result\" 3 null 2"], peer.Said[1..]);
        peer.Send(Wire.Message(3, 17, 1, 0, [0, .. Wire.Amf("publish", 0), 0x11, 1, .. Wire.Amf("cam")]));
        peer.Session.Accept();
        peer.Send(Wire.Message(3, 15, 1, 0, [0, .. Wire.Amf("@setDataFrame", "onMetaData", 7)]));
        Assert.Equal("Data 18/1@0:" + Convert.ToHexString(Wire.Amf("onMetaData", 7)), Assert.Single(peer.Events));
    }

    [Fact]
    public void Unknown_commands_are_answered_and_never_the_end()
    {
        var peer = new Peer();
        peer.Connect(App);
        peer.Send(Wire.Command(0, "_checkbw", 2, null), Wire.Command(0, "set_playlist", 3, null), Wire.Command(0, "onStatus", 4, null), Wire.Command(0, "nameless", 0, null),
            Wire.Message(3, 20, 0, 0, [.. Wire.Amf("FCSubscribe", 5, null, "cam")]), Wire.Message(3, 20, 0, 0, [.. Wire.Amf("vendor", 6), 0x31, 0xFF]));
        Assert.Equal(["\"_result\" 2 null undefined", "NetConnection.Call.Failed 3", "\"_result\" 5 null undefined", "NetConnection.Call.Failed 6"],
            peer.Said.Select(s => s.StartsWith("\"_error\"", StringComparison.Ordinal) ? "NetConnection.Call.Failed " + s.Split(' ')[1] : s));
    }

    [Fact]
    public void Message_streams_are_few_and_can_be_had_again()
    {
        var peer = new Peer();
        peer.Connect(App);
        for (int i = 1; i <= RtmpLimits.MessageStreams; i++)
            peer.Send(Wire.Command(0, "createStream", i, null));
        Assert.Equal("\"_result\" 8 null 8", peer.Said[0]);
        peer.Send(Wire.Command(0, "createStream", 9, null));
        Assert.StartsWith("\"_error\" 9", peer.Said[0], StringComparison.Ordinal);
        peer.Send(Wire.Command(0, "deleteStream", 0, null, 3), Wire.Command(0, "deleteStream", 0, null, 1e300), Wire.Command(0, "deleteStream", 0, null, -1), Wire.Command(0, "deleteStream", 0),
            Wire.Command(0, "createStream", 10, null));
        Assert.Equal("\"_result\" 10 null 3", peer.Said[0]);
    }

    [Fact]
    public void A_second_role_is_refused_and_the_first_goes_on()
    {
        var peer = new Peer();
        peer.Connect(App);
        peer.Send(Wire.Command(1, "publish", 3, null, "cam"));
        peer.Session.Accept();
        peer.Send(Wire.Command(2, "publish", 4, null, "other"), Wire.Command(3, "play", 4, null, "other"), Wire.Command(0, "deleteStream", 0, null, 2), Wire.Message(4, 8, 1, 10, [1]));
        Assert.Equal(["NetStream.Publish.Start", "NetStream.Publish.BadName", "NetStream.Play.Failed"], peer.Codes);
        Assert.Equal(["Audio 8/1@10:01"], peer.Events);
    }

    [Fact]
    public void What_a_peer_must_not()
    {
        Fails(RtmpFault.Command, Wire.Command(0, "createStream", 1, null));
        Fails(RtmpFault.Command, Wire.Message(3, 20, 0, 0, [0x31]));
        Fails(RtmpFault.Command, Wire.Message(3, 20, 0, 0, Wire.Amf(1, 2)));
        Fails(RtmpFault.Command, Wire.Message(3, 20, 0, 0, [.. Wire.Amf("connect", 1), 0x31]));
        Fails(RtmpFault.ControlMessage, Wire.Message(2, 5, 0, 0, [1]));
        Fails(RtmpFault.MessageTooLong, Hex("06 000000 010001 09 01000000")); // no frame before it publishes
        Fails(RtmpFault.TooMuchBeforePublish, [.. Enumerable.Range(0, 5).SelectMany(_ => Wire.Message(6, 8, 1, 0, new byte[60_000]))]);

        static void Fails(RtmpFault fault, byte[] input)
        {
            var peer = new Peer();
            peer.Send([3, .. Wire.Bytes(1536), .. Wire.Bytes(1536)]);
            Assert.Equal(fault, Assert.Throws<RtmpException>(() => peer.Send(input)).Fault);
        }
    }

    internal static string Print(in RtmpEvent occurred) => occurred.Kind switch
    {
        RtmpEventKind.ConnectRequested => "ConnectRequested " + occurred.Connect.App,
        RtmpEventKind.PublishRequested => $"PublishRequested {occurred.Publish.Name} {occurred.Publish.Query}",
        RtmpEventKind.Audio or RtmpEventKind.Video or RtmpEventKind.Data => occurred.Kind + " " + Wire.Print(occurred.Message),
        _ => occurred.Kind.ToString(),
    };
}
