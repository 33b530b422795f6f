using XLive.Media.Rtmp;

namespace XLive.Media.Tests.Rtmp;

/// <summary>What codecs both sides say at connect that they take.</summary>
public class CapabilityTests
{
    private static readonly Codec[] Old = [Codec.H264, Codec.Aac, Codec.Mp3];

    [Fact]
    public void Who_says_nothing_takes_what_everybody_does_and_is_told_nothing()
    {
        var (codecs, said) = Connect([]);
        Assert.False(codecs.IsEnhanced);
        Assert.Equal(Old, Enum.GetValues<Codec>().Where(c => codecs.Takes(c)));
        Assert.DoesNotContain("fourCc", said, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_list_of_names()
    {
        var (codecs, said) = Connect(["hvc1", "Opus", "vp09", "HVC1", "av1", "", "\u00e1v01"]);
        Assert.True(codecs.IsEnhanced);
        Assert.Equal([.. Old, Codec.Hevc, Codec.Vp9, Codec.Opus], Enum.GetValues<Codec>().Where(c => codecs.Takes(c)));
        Assert.Contains("fourCcList:(\"avc1\",\"hvc1\",\"av01\",\"vp09\",\"mp4a\",\".mp3\",\"Opus\",\"fLaC\",\"ac-3\",\"ec-3\")", said, StringComparison.Ordinal);
        Assert.Contains("videoFourCcInfoMap:{avc1:4,hvc1:4,av01:4,vp09:4},audioFourCcInfoMap:{mp4a:4,.mp3:4,Opus:4,fLaC:4,ac-3:4,ec-3:4},capsEx:14", said, StringComparison.Ordinal);
        Assert.All(Enum.GetValues<Codec>(), c => Assert.True(Connect(["*"]).Codecs.Takes(c)));
    }

    [Theory]
    [InlineData(1, true)] // decodes
    [InlineData(2, false)] // encodes: a publisher's word
    [InlineData(4, true)] // forwards
    [InlineData(7, true)]
    [InlineData(0, false)]
    [InlineData(-1, false)]
    [InlineData(1e300, false)]
    [InlineData(double.NaN, false)]
    public void A_map_of_what_it_can_do(double can, bool takes)
    {
        var (codecs, _) = Connect([], ("videoFourCcInfoMap", "av01", can), ("audioFourCcInfoMap", "fLaC", can));
        Assert.True(codecs.IsEnhanced);
        Assert.Equal((takes, takes, false), (codecs.Takes(Codec.Av1), codecs.Takes(Codec.Flac), codecs.Takes(Codec.Hevc)));
    }

    [Fact]
    public void Our_client_says_the_same()
    {
        var client = new RtmpClientSession(new RtmpTarget("live", "rtmp://host/live", "cam", false), 0, new Random(1));
        var server = new RtmpServerSession(new Random(1));
        for (var turns = 0; turns < 4; turns++)
        {
            if (Feed(server, client, out var asked))
            {
                Assert.All(Enum.GetValues<Codec>(), c => Assert.True(asked.Connect.Codecs.Takes(c)));
                return;
            }
            Feed(client, server, out _);
        }
        Assert.Fail("it did not connect");

        static bool Feed(RtmpSession to, RtmpSession from, out RtmpEvent occurred)
        {
            var bytes = from.Output.WrittenSpan.ToArray();
            from.Output.ResetWrittenCount();
            return to.Read(bytes, 0, out _, out occurred);
        }
    }

    private static (RtmpCodecs Codecs, string Said) Connect(string[] list, params (string Map, string Name, double Can)[] maps)
    {
        var peer = new Peer();
        peer.Send([3, .. Wire.Bytes(1536), .. Wire.Bytes(1536)], Wire.EnhancedConnect(list, maps));
        var codecs = peer.Last.Connect.Codecs;
        peer.Session.Accept();
        peer.Send();
        return (codecs, peer.Said[0]);
    }
}
