using System.Net.Sockets;
using XLive.Media.Flv;
using XLive.Server.Accounts;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Live;

namespace XLive.Server.Tests.Rtmp;

public sealed class ObsTests
{
    private static readonly StreamName Cam = new("live", "cam");

    [Fact]
    public async Task OBS_publishes_is_lost_comes_back_and_stops()
    {
        var port = FreePort.Next();
        await using var server = await TestServer.StartAsync($"--rtmp.port={port}", "--live.segment_seconds=1");
        var streams = server.Get<LiveStreams>();
        var key = server.Get<StreamKeys>().Make("live/cam", out _);
        var url = $"rtmp://127.0.0.1:{port}/live";
        var (first, second) = (Obs.Film(3, 1), Obs.Film(3, 2));

        using var obs = new Obs(port, url, key);
        obs.Start();
        Until.True(() => streams.TryFind(Cam, out var found) && found is { Video: not null, Audio: not null }, "its tracks");
        Assert.True(streams.TryFind(Cam, out var stream));
        Assert.Equal(("avc1.4d401f", 1280, 720, "mp4a.40.2", 48000), (stream.Video!.CodecName, stream.Video.Width, stream.Video.Height, stream.Audio!.CodecName, stream.Audio.SampleRate));
        Assert.Equal("FMLE/3.0 (compatible; FMSc/1.0)", stream.Publication!.Publisher.Software);
        // All that it waits for, one answer each.
        Assert.Equal(["_result 1 NetConnection.Connect.Success", "_result 4", "onStatus 0 NetStream.Publish.Start"],
            obs.Heard.Where(static h => h.Split(' ') is ["_result", "1" or "4", ..] or ["onStatus", ..]));

        using var client = server.Connect();
        client.Send(RawClient.Request("GET", TestServer.Signed("/live/cam.flv")));
        Assert.Equal(200, client.ReadHead().Status);
        Until.Equal(1, () => stream.Viewers, "viewers");
        foreach (var (isVideo, timestamp, body) in first)
            obs.Send(isVideo, timestamp, body);
        var watched = Watched(client).GetEnumerator();
        Assert.Equal(Printed(first), Take(watched, first.Count));
        obs.Lose();
        Until.True(() => stream.Publication is null, "the loss");
        Assert.False(stream.IsOver);

        using var again = new Obs(port, url, "cam?key=" + key);
        again.Start();
        foreach (var (isVideo, timestamp, body) in second)
            again.Send(isVideo, timestamp, body);
        again.Stop();

        // Who watched goes on, where it left off, at OBS's own pace.
        var rest = Take(watched, second.Count);
        var begin = rest[0].Timestamp;
        Assert.InRange(begin, first[^1].Timestamp, first[^1].Timestamp + 60_000);
        Assert.Equal(Printed(second), rest.Select(t => t with { Timestamp = t.Timestamp - begin }));
        Assert.False(watched.MoveNext(), "frames that nobody sent");
        Until.True(() => stream.IsOver, "its end");
        var entry = new Uri($"http://127.0.0.1{TestServer.Signed("/live/cam.m3u8")}");
        using var playlists = server.Connect();
        var media = new Uri(entry, playlists.Ask("GET", entry.PathAndQuery).Text.TrimEnd().Split('\n')[^1]);
        var lines = playlists.Ask("GET", media.PathAndQuery).Text;
        Assert.Equal(1, Count(lines, "#EXT-X-DISCONTINUITY\n"));
        Assert.EndsWith("#EXT-X-ENDLIST\n", lines, StringComparison.Ordinal);
        Assert.Equal(6, Count(lines, "#EXTINF:"));
    }

    private static IEnumerable<(bool IsVideo, uint Timestamp, string Body)> Watched(RawClient client) => new FlvViewer(client).Read()
        .Where(static t => t.Type != FlvTagType.Script && t.Body.Span[1] != 0).Select(static t => (t.Type == FlvTagType.Video, t.Timestamp, Convert.ToHexString(t.Body.Span)));

    private static List<T> Take<T>(IEnumerator<T> from, int count)
    {
        var taken = new List<T>(count);
        try
        {
            while (taken.Count < count && from.MoveNext())
                taken.Add(from.Current);
        }
        catch (SocketException)
        {
            // Nothing more came: whoever compares says what is missing.
        }
        return taken;
    }

    private static IEnumerable<(bool, uint, string)> Printed(IEnumerable<(bool IsVideo, uint Timestamp, byte[] Body)> film) =>
        film.Select(static f => (f.IsVideo, f.Timestamp, Convert.ToHexString(f.Body)));

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}
