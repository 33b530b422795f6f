using System.Text;
using XLive.Server.Operations.Metrics;
using XLive.Server.Settings;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Redis;
using XLive.Server.Tests.Reports;
using XLive.Server.Tests.Sessions;

namespace XLive.Server.Tests.Metrics;

/// <summary>The figures of the whole server, as a collector has them.</summary>
public sealed class OtlpTests
{
    [Fact]
    public async Task Every_series_of_the_text_is_in_the_post_with_its_value()
    {
        using var redis = RedisProcess.Start();
        await using var api = await SessionApi.StartAsync(MetricsTests.Everything(redis));
        var entry = await api.Server.Get(api.Server.Link(Films.Master, "u1"));
        await api.Server.Get(GateServer.SessionPathOf(entry) + Films.Segment);
        // What follows blocks, which no thread may that moves the server's bytes.
        await OffTheServersThread();
        await using var house = new OtlpHouse();
        MetricsText text = null!;
        house.Figures = metrics => AllMetrics.Write(new Both(metrics, text = new MetricsText()), api.Server.Services);
        await house.StartAsync();
        house.Rest(OtlpEnd.Taken, 1);
        var post = house.Collector.All[0];
        Assert.Equal("gzip", post.Headers["Content-Encoding"]);
        Assert.InRange(post.Body.Length, 1000, OtlpReading.Unzipped(post).Length / 2);
        var posted = OtlpReading.Of(post).Metrics;
        // A name of which there is no series yet is a head alone in the text, and not in the post.
        var families = MetricsTests.Parse(text.ToString()).Where(static f => f.Samples.Count > 0).ToList();
        Assert.InRange(families.Count, 100, 1000);
        Assert.Contains(families, static f => f.Type == "histogram");
        Assert.Equal(families.Select(static f => (f.Name, f.Type, f.Help)), posted.Select(static m => (m.Name, m.Type, m.Help)));
        foreach (var (family, metric) in families.Zip(posted))
        {
            var samples = metric.Points.SelectMany(static p => p.Samples).ToDictionary(StringComparer.Ordinal);
            Assert.Equal(family.Samples.Keys.Order(StringComparer.Ordinal), samples.Keys.Order(StringComparer.Ordinal));
            Assert.All(family.Samples, s => Assert.True(samples[s.Key] == s.Value, $"{s.Key}: {s.Value} in the text, {samples[s.Key]} in the post"));
        }
        Assert.True(posted.Single(static m => m.Name == "xlive_traffic_requests_total").Points[0].Samples.Values.Single() >= 2);
    }

    [Fact]
    public async Task The_server_posts_the_names_of_its_page_and_nothing_of_viewers()
    {
        using var collector = new ScriptedReceiver();
        await using var api = await SessionApi.StartAsync(
            $"telemetry:\n  otlp_endpoint: {collector.Url}\n  otlp_headers: {{Authorization: Bearer collector-secret}}\n  otlp_interval: 1s\n");
        await SessionApi.Eventually(() => Task.FromResult(collector.All.Count > 0), "a post at the start");
        var link = api.Server.Link(Films.Master, "viewer-0815");
        var entry = await api.Server.Get(link);
        var session = GateServer.SessionPathOf(entry);
        await api.Server.Get(session + Films.Segment);
        await api.Server.Get(link.Replace("uid=", "uid=x", StringComparison.Ordinal));
        Dictionary<string, double> Posted() => OtlpReading.Of(collector.All[^1]).Samples;
        await SessionApi.Eventually(() => Task.FromResult(Posted()["xlive_traffic_requests_total"] >= 2
            && Posted().Keys.Any(static k => k.StartsWith("xlive_requests_refused_total", StringComparison.Ordinal))), "what was played and what was refused");
        var page = MetricsTests.Parse((await api.Ask("GET", "/metrics")).Text).Where(static f => f.Samples.Count > 0);
        var reading = OtlpReading.Of(collector.All[^1]);
        Assert.Equal(page.Select(static f => f.Name), reading.Metrics.Select(static m => m.Name));
        Assert.Equal("xlive", reading.Resource["service.name"]);
        Assert.NotEmpty(reading.Resource["service.instance.id"]);
        Assert.All(collector.All, static p => Assert.Equal("Bearer collector-secret", p.Headers["Authorization"]));
        var token = link[(link.IndexOf("token=", StringComparison.Ordinal) + 6)..].Split('&')[0];
        foreach (var post in collector.All)
        {
            var all = Encoding.Latin1.GetString(OtlpReading.Unzipped(post)) + post.Target;
            Assert.All((string[])["viewer-0815", token, session, "~s1.", "/v/film", GateServer.Secret, GateServer.AdminPassword, "127.0.0.1", "collector-secret"],
                s => Assert.DoesNotContain(s, all, StringComparison.Ordinal));
        }
        Assert.DoesNotContain("collector-secret", (await api.Ask("GET", "/api/v1/config")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("collector-secret", api.Server.AllOutput(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_endpoint_that_is_changed_needs_no_restart()
    {
        using var before = new ScriptedReceiver();
        using var after = new ScriptedReceiver();
        await using var server = await GateServer.StartAsync(rest: $"telemetry:\n  otlp_endpoint: {before.Url}\n");
        await SessionApi.Eventually(() => Task.FromResult(before.All.Count == 1), "a post at the start");
        // The next is due in a minute, and nobody waits here for so long.
        server.Reload(rest: $"telemetry:\n  otlp_endpoint: {after.Url}\n");
        await SessionApi.Eventually(() => Task.FromResult(after.All.Count == 1), "a post to where it goes since");
    }

    [Theory]
    [InlineData("--telemetry.otlp_endpoint=collector:4318", "http or https URL")]
    [InlineData("--telemetry.otlp_endpoint=grpc://collector:4317", "http or https URL")]
    [InlineData("--telemetry.otlp_endpoint=http://who:secret@collector", "telemetry.otlp_headers says who")]
    [InlineData("--telemetry.otlp_endpoint=http://collector/?key=1", "must not have a query")]
    [InlineData("--telemetry.otlp_headers={\"a b\": x}", "no header can have")]
    [InlineData("--telemetry.otlp_headers={a: \"x\\ny\"}", "no header can have")]
    [InlineData("--telemetry.otlp_headers={content-type: x}", "anew")]
    [InlineData("--telemetry.otlp_interval=100ms", "the least is 1s")]
    public void What_cannot_be_sent_to_stops_the_start(string setting, string said)
    {
        var fault = Assert.Single(Assert.Throws<SettingsException>(() =>
            ServerSettings.Load(new SettingsInput { Args = [setting], WorkingDirectory = "/", SystemFile = "/nowhere/conf.yaml" })).Faults).ToString();
        Assert.Contains(said, fault, StringComparison.Ordinal);
        Assert.DoesNotContain("who:secret", fault, StringComparison.Ordinal);
    }

    private static async Task OffTheServersThread() => await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

    /// <summary>What one is told the other is told too: the same values, though they go on being counted.</summary>
    private sealed class Both(IMetrics one, IMetrics other) : IMetrics
    {
        public void Counter(string name, string help, double? value, bool outlives = false)
        {
            one.Counter(name, help, value, outlives);
            other.Counter(name, help, value, outlives);
        }

        public void Gauge(string name, string help, double? value)
        {
            one.Gauge(name, help, value);
            other.Gauge(name, help, value);
        }

        public void Counters(string name, string help, string label, IEnumerable<(string Word, double Value)> samples)
        {
            var list = samples.ToList();
            one.Counters(name, help, label, list);
            other.Counters(name, help, label, list);
        }

        public void Gauges(string name, string help, string label, IEnumerable<(string Word, double Value)> samples)
        {
            var list = samples.ToList();
            one.Gauges(name, help, label, list);
            other.Gauges(name, help, label, list);
        }

        public void Histograms(string name, string help, IReadOnlyList<double> bounds, string label, IEnumerable<(string Word, IReadOnlyList<long> Classes, double Sum)> samples)
        {
            var list = samples.ToList();
            one.Histograms(name, help, bounds, label, list);
            other.Histograms(name, help, bounds, label, list);
        }

        public void Histogram(string name, string help, IReadOnlyList<double> bounds, IReadOnlyList<long> classes, double sum)
        {
            long[] read = [.. classes];
            one.Histogram(name, help, bounds, read, sum);
            other.Histogram(name, help, bounds, read, sum);
        }
    }
}
