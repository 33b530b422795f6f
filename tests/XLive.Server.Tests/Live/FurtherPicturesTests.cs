using System.Buffers.Binary;
using System.Net;
using System.Text;
using XLive.Media;
using XLive.Server.Ingest.Rtmp;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Live;

/// <summary>Several tracks of video of one publisher: which streams come of them, and when.</summary>
public sealed class FurtherPicturesTests
{
    private static readonly StreamName Cam = new("live", "cam");

    private readonly HandClock _clock = new();
    private readonly List<string> _said = [];
    private uint _time;

    [Fact]
    public async Task Each_is_a_stream_of_its_own_with_the_sound_of_all()
    {
        await using var server = await TestServer.StartAsync(_clock);
        var (feed, further, main) = Feed(server, Cam);
        feed.Take(TrackKind.Audio, 0, Sound("1190", isConfiguration: true));
        feed.Take(TrackKind.Video, 0, Track(0, Configuration(80, 68)));
        feed.Take(TrackKind.Video, 0, Track(1, Configuration(80, 45)));
        feed.Take(TrackKind.Video, 0, Track(2, Configuration(40, 30)));
        // Before there is a picture there is nothing to begin with.
        Assert.Empty(further.All);
        for (var i = 0; i < 3; i++)
            Moment(feed, 0, 1, 2);

        Assert.Equal(["live/cam_720", "live/cam_480"], further.All.Select(static p => p.Name.ToString()));
        var streams = server.Get<LiveStreams>();
        foreach (var (name, lines) in new[] { ("cam", 1088), ("cam_720", 720), ("cam_480", 480) })
        {
            Assert.True(streams.TryFind(new StreamName("live", name), out var stream));
            Assert.Equal((lines, Codec.Aac), (stream.Video!.Height, stream.Audio!.Codec));
            // What the source calls it is the same of all, and so they are cut alike.
            Assert.Equal(main.ToSource + main.Begin.Ticks, stream.Publication!.ToSource + stream.Publication.Begin.Ticks);
        }
        Assert.All(further.All, p => Assert.Equal(main.Received, p.Turn!.Received));
        Assert.Empty(_said);
        Assert.Equal("live/cam", new StreamName("live", "cam_720").Event.ToString());
    }

    [Fact]
    public async Task Two_with_as_many_lines_have_two_names_and_a_label_of_the_first_stays_its_own()
    {
        await using var server = await TestServer.StartAsync(_clock);
        var (feed, further, _) = Feed(server, new StreamName("live", "cam_720"));
        feed.Take(TrackKind.Audio, 0, Sound("1190", isConfiguration: true));
        foreach (var id in new[] { 0, 1, 2 })
            feed.Take(TrackKind.Video, 0, Track(id, Configuration(80, 45)));
        feed.Take(TrackKind.Video, 0, Track(3, Configuration(40, 30)));
        feed.Take(TrackKind.Video, 0, Track(4, Configuration(10, 5)));
        Moment(feed, 0, 1, 2, 3, 4);
        Moment(feed, 0, 1, 2, 3, 4);
        Assert.Equal(["live/cam_720p1", "live/cam_720p2", "live/cam_480"], further.All.Select(static p => p.Name.ToString()));
        Assert.Equal(["live/cam_720: a video track of 160x80 is left out: there is no name for it"], _said);
    }

    [Fact]
    public async Task A_name_that_is_anothers_is_his_until_he_goes()
    {
        await using var server = await TestServer.StartAsync(_clock, "--live.takeover=replace");
        var streams = server.Get<LiveStreams>();
        var another = streams.TryPublish(new StreamName("live", "cam_720"), new Publisher("another", IPAddress.Loopback, "test", ""), out _)!;
        var (feed, further, _) = Feed(server, Cam);
        feed.Take(TrackKind.Audio, 0, Sound("1190", isConfiguration: true));
        feed.Take(TrackKind.Video, 0, Track(0, Configuration(80, 68)));
        feed.Take(TrackKind.Video, 0, Track(1, Configuration(80, 45)));
        Moment(feed, 0, 1);
        _clock.Pass(TimeSpan.FromSeconds(5));
        Moment(feed, 0, 1);
        Assert.Empty(further.All);
        Assert.Null(another.EndedFor);

        another.End(PublishEnd.Finished);
        Moment(feed, 0, 1);
        Assert.Empty(further.All); // asked again once a second
        _clock.Pass(TimeSpan.FromSeconds(1));
        Moment(feed, 0, 1);
        var picture = Assert.Single(further.All);
        Moment(feed, 0, 1);
        Assert.True(streams.TryFind(picture.Name, out var stream));
        Assert.Equal((720, Codec.Aac, 0L), (stream.Video!.Height, stream.Audio!.Codec, picture.Dropped));
        Assert.True(picture.Turn!.Received > 0);
    }

    [Fact]
    public async Task One_that_an_operator_ends_stays_ended_and_the_others_go_on()
    {
        await using var server = await TestServer.StartAsync(_clock);
        var (feed, further, main) = Feed(server, Cam);
        feed.Take(TrackKind.Video, 0, Track(0, Configuration(80, 68)));
        feed.Take(TrackKind.Video, 0, Track(1, Configuration(80, 45)));
        Moment(feed, 0, 1);
        var picture = Assert.Single(further.All);
        picture.Turn!.End(PublishEnd.Kicked);
        var received = (main.Received, picture.Turn.Received);
        _clock.Pass(TimeSpan.FromMinutes(1));
        Moment(feed, 0, 1);
        Assert.True(main.Received > received.Item1);
        Assert.Equal(received.Item2, picture.Turn.Received);
        Assert.False(server.Get<LiveStreams>().TryFind(picture.Name, out _));
    }

    [Fact]
    public async Task Strange_ids_begin_nothing_and_are_said_once()
    {
        await using var server = await TestServer.StartAsync(_clock);
        var (feed, further, _) = Feed(server, Cam);
        for (var id = FurtherPictures.Most + 1; id < 256; id++)
        {
            feed.Take(TrackKind.Video, 0, Track(id, Configuration(80, 45)));
            feed.Take(TrackKind.Video, 0, Track(id, Picture));
        }
        // Pictures of a track of which nothing was told, and what is no picture.
        for (var i = 0; i < 100; i++)
        {
            feed.Take(TrackKind.Video, 0, Track(1, Picture));
            feed.Take(TrackKind.Video, 0, Track(2, (4, new byte[70_000])));
        }
        Assert.Empty(further.All);
        Assert.Equal(["live/cam: video tracks with an id above 7 are left out"], _said);
        Assert.Equal(1, server.Get<LiveStreams>().Count);
    }

    private (FlvFeed Feed, FurtherPictures Further, Publication Main) Feed(TestServer server, StreamName name)
    {
        var streams = server.Get<LiveStreams>();
        var main = streams.TryPublish(name, Film.Somebody, out _)!;
        var further = new FurtherPictures(name, n => streams.TryPublish(n, Film.Somebody, out _, Takeover.Reject), _clock, (of, words) => _said.Add($"{of}: {words}"));
        return (new FlvFeed(main, words => _said.Add($"{name}: {words}"), further: further), further, main);
    }

    /// <summary>A keyframe of each, and a sound.</summary>
    private void Moment(FlvFeed feed, params int[] tracks)
    {
        _time += 40;
        foreach (var track in tracks)
            feed.Take(TrackKind.Video, _time, Track(track, Picture));
        feed.Take(TrackKind.Audio, _time, Sound("aabbccdd", isConfiguration: false));
    }

    private static (int Packet, byte[] Body) Picture => (1, [0, 0, 0, 0, 0, 0, 3, 0x65, 0x88, 0x84]);

    private static byte[] Sound(string body, bool isConfiguration) => [0xAF, (byte)(isConfiguration ? 0 : 1), .. Convert.FromHexString(body)];

    /// <summary>The first as it is sent where there are no others, a further one as OneTrack.</summary>
    private static byte[] Track(int id, (int Packet, byte[] Body) message) => id == 0
        ? [(byte)(0x90 | message.Packet), .. "avc1"u8, .. message.Body]
        : [0x96, (byte)message.Packet, .. "avc1"u8, (byte)id, .. message.Body];

    /// <summary>H.264, Baseline, of so many macroblocks.</summary>
    private static (int Packet, byte[] Body) Configuration(int width, int height)
    {
        var bits = new StringBuilder("01000010" + "00000000" + "00011111"); // profile, constraints, level
        foreach (var value in new[] { 0, 0, 2, 1 }) // id, frame numbers, order of output, references
            bits.Append(Golomb(value));
        bits.Append('0').Append(Golomb(width - 1)).Append(Golomb(height - 1)).Append("1" + "1" + "0" + "0" + "1"); // frames only, inference, no cropping, no VUI, stop
        while (bits.Length % 8 != 0)
            bits.Append('0');
        byte[] sps = [0x67, .. Enumerable.Range(0, bits.Length / 8).Select(i => Convert.ToByte(bits.ToString(i * 8, 8), 2))];
        byte[] pps = [0x68, 0xCE, 0x3C, 0x80];
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)sps.Length);
        return (0, [1, sps[1], sps[2], sps[3], 0xFF, 0xE1, .. length, .. sps, 1, 0, (byte)pps.Length, .. pps]);
    }

    private static string Golomb(int value)
    {
        var binary = Convert.ToString(value + 1, 2);
        return new string('0', binary.Length - 1) + binary;
    }
}
