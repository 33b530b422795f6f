using XLive.Media;
using XLive.Server.Live;
using XLive.Server.Playback.Hls;
using XLive.Server.Sessions;
using XLive.Server.Settings;

namespace XLive.Server.Operations.Metrics;

/// <summary>
/// Live streams by name, as many as telemetry.streams says: the first by name, so that the same ones are told of each time. The rest are summed
/// under a name that no stream can have, for each of theirs has a slash. Names are those that publishers were let in under, of the letters that
/// a stream's name may have.
/// </summary>
internal static class StreamMetrics
{
    private const string Others = "others";

    private sealed class Figures
    {
        public double BytesIn, BytesOut, Viewers, GopSeconds;
    }

    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        var most = services.GetRequiredService<ServerSettings>().Of<StreamOptions>().Streams;
        var live = new List<LiveStream>(services.GetRequiredService<LiveStreams>().All);
        live.Sort(static (a, b) => string.CompareOrdinal(a.Name.ToString(), b.Name.ToString()));
        var hls = services.GetRequiredService<HlsStreams>();
        var viewers = live.Count == 0 ? [] : StreamViewers.OfHls(services.GetRequiredService<SessionTable>(), hls, services.GetRequiredService<TimeProvider>());
        var named = new List<(string Name, Figures Of)>(Math.Min(most + 1, live.Count));
        for (var i = 0; i < live.Count; i++)
        {
            if (i <= most)
                named.Add((i < most ? live[i].Name.ToString() : Others, new Figures()));
            Add(named[^1].Of, live[i], hls, viewers);
        }
        Each("xlive_stream_in_bytes_per_second", "What the publisher of a live stream sends, of late.", static f => f.BytesIn);
        Each("xlive_stream_out_bytes_per_second", "What its viewers are given.", static f => f.BytesOut);
        Each("xlive_stream_viewers", "Its viewers, in all protocols.", static f => f.Viewers);
        Each("xlive_stream_gop_seconds", "From one of its keyframes to the next, lately; of others the longest.", static f => f.GopSeconds);

        void Each(string name, string help, Func<Figures, double> figure)
        {
            var samples = new List<(string, double)>(named.Count);
            foreach (var (stream, of) in named)
                samples.Add((stream, figure(of)));
            metrics.Gauges(name, help, "stream", samples);
        }
    }

    private static void Add(Figures to, LiveStream stream, HlsStreams hls, Dictionary<string, int> viewers)
    {
        var figures = stream.Figures();
        to.BytesIn += Math.Round(figures.BitsIn / 8);
        to.BytesOut += Math.Round(figures.BitsOut / 8);
        to.Viewers += stream.Viewers + viewers.GetValueOrDefault($"/{stream.Name}");
        if (hls.Newest(stream.Name)?.Figures() is { } window)
            to.GopSeconds = Math.Max(to.GopSeconds, Math.Round((double)window.GopLength / Timestamp.PerSecond, 3));
    }
}
