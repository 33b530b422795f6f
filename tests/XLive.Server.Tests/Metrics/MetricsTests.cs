using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Redis;
using XLive.Server.Tests.Sessions;

namespace XLive.Server.Tests.Metrics;

/// <summary>GET /metrics, read as Prometheus reads it, beside the table of docs/metrics.md.</summary>
public sealed partial class MetricsTests
{
    private const string Begin = "<!-- Written from the code: XLIVE_WRITE_REFERENCE=1 ./test Metrics -->\n";

    /// <summary>Settings with which there is every figure.</summary>
    internal static string Everything(RedisProcess redis) => $"server:\n  secret: metrics-tests-0123456789\nredis:\n  url: redis://127.0.0.1:{redis.Port}\n"
        + "backend:\n  mode: hybrid\n  origins: [http://127.0.0.1:1, http://127.0.0.1:2]\ncache:\n  disk: 64MiB\n";

    internal sealed record Family(string Name, string Type, string Help)
    {
        public Dictionary<string, double> Samples { get; } = new(StringComparer.Ordinal);
    }

    [Fact]
    public async Task Every_figure_is_well_formed_and_in_the_docs()
    {
        using var redis = RedisProcess.Start();
        await using var api = await SessionApi.StartAsync(Everything(redis));
        var families = Parse((await api.Ask("GET", "/metrics")).Text);
        Assert.All(families, static f =>
        {
            Assert.Matches("^(xlive|process)_[a-z_]+$", f.Name);
            Assert.Equal(f.Type == "counter", f.Name.EndsWith("_total", StringComparison.Ordinal));
            Assert.EndsWith(".", f.Help, StringComparison.Ordinal);
            Assert.All(f.Samples, static s => Assert.True(s.Value >= 0, $"{s.Key} {s.Value}"));
        });
        var table = "| name | type | what |\n| --- | --- | --- |\n" + string.Concat(families.Select(static f => $"| `{f.Name}` | {f.Type} | {f.Help} |\n"));
        var path = Path.GetFullPath("../../../docs/metrics.md", Path.GetDirectoryName(Here())!);
        var page = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        var written = page[..(page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length)] + table;
        if (Environment.GetEnvironmentVariable("XLIVE_WRITE_REFERENCE") == "1")
            await File.WriteAllTextAsync(path, page = written, TestContext.Current.CancellationToken);
        Assert.True(page == written, "docs/metrics.md lags behind the code; XLIVE_WRITE_REFERENCE=1 ./test Metrics rewrites it");
    }

    [Fact]
    public async Task They_follow_what_happens()
    {
        await using var api = await SessionApi.StartAsync("sessions:\n  max_per_user: 1\n");
        var before = await Read(api);
        var entry = await api.Server.Get(api.Server.Link(Films.Master, "u1"), "User-Agent: one");
        Assert.Equal(403, (await api.Server.Get(api.Server.Link(Films.Master, "u1"), "User-Agent: another")).Status);
        var segment = await api.Server.Get(GateServer.SessionPathOf(entry) + Films.Segment, "User-Agent: one");
        Assert.Equal(200, segment.Status);
        await SessionApi.Eventually(async () => (await Read(api))["xlive_traffic_bytes_total"] >= entry.Body.Length + segment.Body.Length, "bytes");
        var after = await Read(api);
        foreach (var (name, more) in ((string, double)[])[
            ("xlive_sessions", 1), ("xlive_sessions_opened_total", 1), ("xlive_sessions_refused_total{reason=\"device_limit\"}", 1), ("xlive_traffic_users", 1),
            ("xlive_traffic_requests_total", 2), ("xlive_traffic_bytes_total", entry.Body.Length + segment.Body.Length), ("xlive_ledger_difference_bytes", 0),
            ("xlive_ledger_readable", 0), ("xlive_session_store_degraded", 0)])
            Assert.True(after[name] - before[name] == more, $"{name}: {before[name]} and then {after[name]}");
        Assert.Equal((1, 0), (after["xlive_ledger_readable"], after["xlive_ledger_difference_bytes"]));
        Assert.DoesNotContain("xlive_redis_connected", after.Keys);
        Assert.DoesNotContain(after.Keys, static k => k.Contains("u1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task They_are_for_who_may_look()
    {
        await using var api = await SessionApi.StartAsync();
        Assert.Equal(401, (await api.Server.Get("/metrics")).Status);
        var head = await api.Ask("HEAD", "/metrics");
        Assert.Equal(("text/plain; version=0.0.4; charset=utf-8", "no-store", 0), (head["Content-Type"], head["Cache-Control"], head.Body.Length));
    }

    private static async Task<Dictionary<string, double>> Read(SessionApi api) =>
        new(Parse((await api.Ask("GET", "/metrics")).Text).SelectMany(static f => f.Samples), StringComparer.Ordinal);

    internal static List<Family> Parse(string text)
    {
        var families = new List<Family>();
        var help = "";
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        foreach (var line in text.TrimEnd('\n').Split('\n'))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                help = line;
                continue;
            }
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                var words = line.Split(' ');
                Assert.StartsWith($"# HELP {words[2]} ", help, StringComparison.Ordinal);
                Assert.DoesNotContain(families, f => f.Name == words[2]);
                families.Add(new Family(words[2], words[3], help[$"# HELP {words[2]} ".Length..]));
                continue;
            }
            var sample = Sample().Match(line);
            Assert.True(sample.Success, line);
            var family = families[^1];
            var name = sample.Groups[1].Value;
            Assert.Equal(family.Name, family.Type == "histogram" ? name[..name.LastIndexOf('_')] : name);
            family.Samples.Add(name + sample.Groups[2].Value, double.Parse(sample.Groups[3].Value, CultureInfo.InvariantCulture));
        }
        foreach (var f in families.Where(static f => f.Type == "histogram"))
        {
            foreach (var (key, count) in f.Samples.Where(s => s.Key.StartsWith(f.Name + "_count", StringComparison.Ordinal)))
            {
                var labels = key[(f.Name + "_count").Length..].Trim('{', '}');
                var of = $"{f.Name}_bucket{{{labels}{(labels.Length > 0 ? "," : "")}le=";
                var buckets = f.Samples.Where(s => s.Key.StartsWith(of, StringComparison.Ordinal)).Select(static s => s.Value).ToList();
                Assert.Equal(buckets.Order(), buckets);
                Assert.Equal(count, f.Samples[of + "\"+Inf\"}"]);
                Assert.True(f.Samples[key.Replace("_count", "_sum", StringComparison.Ordinal)] >= 0);
            }
        }
        return families;
    }

    [GeneratedRegex("^([a-z_]+)({[a-z]+=\"[a-zA-Z0-9_.+/~@-]+\"(?:,le=\"[0-9.+Inf]+\")?})? ([0-9.eE+-]+)$")]
    private static partial Regex Sample();

    private static string Here([CallerFilePath] string path = "") => path;
}
