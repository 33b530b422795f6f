using XLive.Media.Rtmp;
using static XLive.Media.Tests.Amf.Amf0Tests;

namespace XLive.Media.Tests.Rtmp;

/// <summary>A session under way: media, data, control.</summary>
public class ServerSessionMediaTests
{
    private static readonly Dictionary<string, string> App = new() { ["app"] = "live" };

    [Fact]
    public void What_came_is_acknowledged_though_nobody_asked()
    {
        var peer = new Peer();
        peer.Connect(App);
        peer.Send(Wire.Command(1, "publish", 3, null, "cam"));
        peer.Session.Accept();
        peer.Send();
        long before = peer.Received;
        while (peer.Received < 1_250_000)
            peer.Send(Wire.Message(6, 9, 1, 0, Wire.Bytes(60_000)));
        Assert.Equal($"3/0@0:{peer.Received:X8}", Assert.Single(peer.Sent));
        Assert.InRange(before, 3000, 4000);

        // By the peer's own window.
        peer.Send(Wire.Message(2, 5, 0, 0, Wire.UInt32(20_000)));
        peer.Send(Wire.Message(6, 9, 1, 0, Wire.Bytes(9_000)));
        Assert.Empty(peer.Sent);
        peer.Send(Wire.Message(6, 9, 1, 0, Wire.Bytes(1_000)));
        Assert.Equal($"3/0@0:{peer.Received:X8}", Assert.Single(peer.Sent));
        // One that would be paid in kind is not taken at its word.
        peer.Send(Wire.Message(2, 5, 0, 0, Wire.UInt32(1)));
        peer.Send(Wire.Message(6, 9, 1, 0, Wire.Bytes(100)));
        Assert.Empty(peer.Sent);
    }

    [Fact]
    public void Pings_both_ways()
    {
        var peer = new Peer();
        peer.Session.Tick(100_000);
        peer.Connect(App);
        peer.Send(Wire.Message(9, 4, 0, 0, Hex("0006 01020304"))); // control on a chunk stream of its own: cameras
        Assert.Equal(["4/0@0:000701020304"], peer.Sent);
        peer.Session.Tick(0);
        peer.Session.Tick(29_999);
        peer.Send();
        Assert.Empty(peer.Sent);
        peer.Session.Tick(30_000);
        peer.Session.Tick(30_001);
        peer.Session.Tick(60_000);
        peer.Send();
        Assert.Equal(["4/0@0:000600007530", "4/0@0:00060000EA60"], peer.Sent);
        peer.Send(Wire.Message(2, 4, 0, 0, [0, 6, 1]), Wire.Message(2, 4, 0, 0, [0]), Wire.Message(2, 6, 0, 0, Hex("00100000 02")));
        Assert.Equal(["5/0@0:002625A0"], peer.Sent);
    }

    [Fact]
    public void An_aggregate_is_its_messages()
    {
        static byte[] Part(int type, uint time, byte[] body) =>
            [(byte)type, .. Wire.UInt24((uint)body.Length), .. Wire.UInt24(time & 0xFFFFFF), (byte)(time >> 24), 9, 9, 9, .. body, .. Wire.UInt32((uint)body.Length + 11)];
        var peer = new Peer();
        peer.Connect(App);
        peer.Send(Wire.Command(1, "publish", 3, null, "cam"));
        peer.Session.Accept();
        byte[] parts = [.. Part(8, 0x01000000, [1]), .. Part(9, 0x01000014, [2, 2]), .. Part(18, 0x01000014, Wire.Amf("onCuePoint", 1)), .. Part(8, 0x01000028, [])];
        peer.Send(Wire.Message(6, 22, 1, 500, parts, 128), Wire.Message(6, 22, 1, 500, parts[..^4]), Wire.Message(6, 9, 1, 600, [3]));
        string[] expected = ["Audio 8/1@500:01", "Video 9/1@520:0202", "Data 18/1@520:" + Convert.ToHexString(Wire.Amf("onCuePoint", 1)), "Audio 8/1@540:"];
        Assert.Equal([.. expected, .. expected, "Video 9/1@600:03"], peer.Events);

        foreach (byte[] broken in new[] { parts[..5], parts[..13], [.. parts[..12], 0, 0, 0, 13], [.. parts[..12], 0, 0], [8, 0xFF, 0xFF, 0xFF, .. parts[4..]] })
        {
            peer = new Peer();
            peer.Connect(App);
            peer.Send(Wire.Command(1, "publish", 3, null, "cam"));
            peer.Session.Accept();
            Assert.Equal(RtmpFault.Aggregate, Assert.Throws<RtmpException>(() => peer.Send(Wire.Message(6, 22, 1, 500, broken))).Fault);
        }
        byte[] many = [.. Enumerable.Range(0, RtmpLimits.AggregateParts + 1).SelectMany(_ => Part(8, 0, []))];
        peer = new Peer();
        peer.Connect(App);
        peer.Send(Wire.Command(1, "publish", 3, null, "cam"));
        peer.Session.Accept();
        Assert.Throws<RtmpException>(() => peer.Send(Wire.Message(6, 22, 1, 500, many)));
    }

    [Fact]
    public void Data_that_cannot_be_read_is_passed_over()
    {
        var peer = new Peer();
        peer.Connect(App);
        peer.Send(Wire.Command(1, "publish", 3, null, "cam"));
        peer.Session.Accept();
        peer.Send(Wire.Message(4, 18, 1, 0, [0x31]), Wire.Message(4, 18, 1, 0, []), Wire.Message(4, 18, 1, 0, Wire.Amf("@setDataFrame")), Wire.Message(4, 18, 1, 0, Wire.Amf(7)),
            Wire.Message(4, 18, 1, 0, Wire.Amf("@clearDataFrame", "onMetaData")), Wire.Message(4, 18, 1, 0, Wire.Amf("onTextData", "t")));
        Assert.Equal("Data 18/1@0:" + Convert.ToHexString(Wire.Amf("onTextData", "t")), Assert.Single(peer.Events));
    }

    [Fact]
    public void A_publisher_under_way_allocates_nothing()
    {
        var peer = new Peer();
        peer.Connect(App);
        peer.Send(Wire.Command(1, "publish", 3, null, "cam"));
        peer.Session.Accept();
        ReadOnlyMemory<byte> input = (byte[])[.. Wire.Message(6, 9, 1, 3, Wire.Bytes(20_000)), .. Wire.Message(4, 8, 1, 3, Wire.Bytes(300))];
        Pass();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            Pass();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Pass()
        {
            for (int at = 0; at < input.Length; at += 1460)
            {
                var rest = input.Slice(at, Math.Min(1460, input.Length - at));
                for (; peer.Session.Read(rest, 0, out int consumed, out _); rest = rest[consumed..])
                {
                }
            }
            peer.Session.Output.ResetWrittenCount();
        }
    }
}
