using XLive.Media;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Live;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Metrics;

/// <summary>Live streams by name, as many as may be, and the rest in one.</summary>
public sealed class StreamFiguresTests
{
    [Theory]
    [InlineData(2, "live/a live/b others")]
    [InlineData(5, "live/a live/b live/c live/d live/e")]
    [InlineData(0, "others")]
    [InlineData(1000, "live/a live/b live/c live/d live/e")]
    public async Task As_many_as_are_named_and_the_others_together(int most, string names)
    {
        var clock = new HandClock();
        await using var server = await TestServer.StartAsync(clock, "--auth.enable=false", $"--telemetry.streams={most}");
        Assert.Empty(Of(server, "xlive_stream_viewers"));
        var turns = new List<Publication>();
        // In another order than that of their names.
        foreach (var name in (string[])["e", "c", "a", "d", "b"])
            turns.Add(Film.Publish(server, new StreamName("live", name)));
        for (var i = 0; i < 100; i++)
        {
            foreach (var turn in turns)
                turn.Publish(new Frame(Film.Audio, turn.Begin + (i * (Timestamp.PerSecond / 10)), 0, FrameFlags.Key, new byte[1000]));
            clock.Pass(TimeSpan.FromMilliseconds(100));
        }
        using var one = server.Get<LiveStreams>().All.Single(static s => s.Name.Stream == "a").Watch();
        using var other = server.Get<LiveStreams>().All.Single(static s => s.Name.Stream == "e").Watch();
        using var third = server.Get<LiveStreams>().All.Single(static s => s.Name.Stream == "e").Watch(ViewerKind.Rtmp);

        var viewers = Of(server, "xlive_stream_viewers");
        Assert.Equal(names.Split(' '), viewers.Keys);
        Assert.Equal(3, viewers.Values.Sum());
        Assert.Equal(most == 0 ? 3 : 2, viewers[viewers.Keys.Last()]);
        var came = Of(server, "xlive_stream_in_bytes_per_second");
        Assert.Equal(names.Split(' '), came.Keys);
        // Of each ten thousand bytes a second.
        Assert.InRange(came.Values.Sum(), 45_000, 55_000);
        turns.ForEach(static t => t.End(PublishEnd.Finished));
        Assert.Empty(Of(server, "xlive_stream_viewers"));
    }

    [Fact]
    public async Task No_stream_can_have_the_name_of_the_others()
    {
        await using var server = await TestServer.StartAsync("--auth.enable=false", "--telemetry.streams=1", "--live.apps=[others]");
        Film.Publish(server, new StreamName("others", "a"));
        Film.Publish(server, new StreamName("others", "others"));
        Assert.Equal(["others/a", "others"], Of(server, "xlive_stream_viewers").Keys);
    }

    private static Dictionary<string, double> Of(TestServer server, string name)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{server.Port}/metrics");
        using var answer = http.Send(request);
        using var text = new StreamReader(answer.Content.ReadAsStream());
        return MetricsTests.Parse(text.ReadToEnd()).Single(f => f.Name == name).Samples.ToDictionary(static s => s.Key.Split('"')[1], static s => s.Value, StringComparer.Ordinal);
    }
}
