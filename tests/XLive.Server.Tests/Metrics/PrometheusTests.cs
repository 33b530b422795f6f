using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using XLive.Server.Operations.Metrics;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Redis;
using XLive.Server.Tests.Sessions;

namespace XLive.Server.Tests.Metrics;

/// <summary>What Prometheus's own tool says of the figures and of the alerts, and that alerts and dashboard name nothing that is not there.</summary>
public sealed partial class PrometheusTests
{
    // Of Prometheus itself and of its configuration.
    private static readonly string[] s_labelsOfTheirs = ["instance", "job", "le"];

    private static string Root => Path.GetFullPath("../../..", Path.GetDirectoryName(Here())!);

    private static string Packaging(string file) => Path.Combine(Root, "packaging", file);

    [Fact]
    public async Task Promtool_has_nothing_against_the_figures()
    {
        using var redis = RedisProcess.Start();
        await using var api = await SessionApi.StartAsync(MetricsTests.Everything(redis));
        var page = (await api.Ask("GET", "/metrics")).Text;
        await OffTheServersThread();
        Assert.Equal((0, ""), Promtool(page, "check", "metrics"));
        // It does look.
        var (code, said) = Promtool("# TYPE xlive_bad counter\nxlive_bad 1\n", "check", "metrics");
        Assert.NotEqual(0, code);
        Assert.Contains("_total", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Promtool_reads_the_alerts_and_each_fires_when_it_should()
    {
        var (code, said) = Promtool("", "check", "rules", "--lint=all", "--lint-fatal", Packaging("prometheus/alerts.yml"));
        Assert.True(code == 0, said);
        (code, said) = Promtool("", "test", "rules", Packaging("prometheus/alerts.test.yml"));
        Assert.True(code == 0, said);
        var tested = File.ReadAllText(Packaging("prometheus/alerts.test.yml"));
        var alerts = AlertName().Matches(File.ReadAllText(Packaging("prometheus/alerts.yml"))).Select(static m => m.Groups[1].Value).ToList();
        Assert.InRange(alerts.Count, 20, 100);
        Assert.Equal(alerts.Distinct(), alerts);
        Assert.All(alerts, a => Assert.Contains($"alertname=\"{a}\"", tested, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Alerts_and_dashboard_name_figures_and_labels_that_there_are()
    {
        using var redis = RedisProcess.Start();
        await using var api = await SessionApi.StartAsync(MetricsTests.Everything(redis));
        var names = new Names();
        AllMetrics.Write(names, api.Server.Services);
        var alerts = Expressions(File.ReadAllText(Packaging("prometheus/alerts.yml"))).ToList();
        using var dashboard = JsonDocument.Parse(await File.ReadAllTextAsync(Packaging("grafana/xlive.json"), TestContext.Current.CancellationToken));
        var panels = dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .SelectMany(static p => p.TryGetProperty("targets", out var targets) ? targets.EnumerateArray().ToList() : [])
            .Select(static t => t.GetProperty("expr").GetString()!).ToList();
        Assert.InRange(alerts.Count, 20, 100);
        Assert.InRange(panels.Count, 40, 200);
        var faults = alerts.Concat(panels).SelectMany(e => Faults(e, names)).ToList();
        Assert.True(faults.Count == 0, string.Join('\n', faults));
        foreach (var (broken, fault) in ((string, string)[])[
            ("xlive_no_such_thing > 1", "no figure xlive_no_such_thing"), ("xlive_connections{place=\"x\"}", "xlive_connections has no label place"),
            ("xlive_requests_total{class=\"7xx\"}", "class is never 7xx"), ("rate(xlive_connections[5m])", "xlive_connections is a gauge"),
            ("xlive_requests_total > 5", "xlive_requests_total without a rate"), ("sum by (reason) (xlive_connections)", "no label reason"),
            ("xlive_redis_answer_seconds", "xlive_redis_answer_seconds is a histogram")])
            Assert.Contains(Faults(broken, names), f => f.StartsWith(fault, StringComparison.Ordinal));
    }

    [Fact]
    public void The_page_of_the_figures_names_every_alert()
    {
        var page = File.ReadAllText(Path.Combine(Root, "docs/metrics.md"));
        Assert.Contains("packaging/prometheus/alerts.yml", page, StringComparison.Ordinal);
        Assert.Contains("packaging/grafana/xlive.json", page, StringComparison.Ordinal);
    }

    private static async Task OffTheServersThread() => await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

    private static IEnumerable<string> Faults(string expression, Names names)
    {
        var labels = new HashSet<string>(s_labelsOfTheirs, StringComparer.Ordinal);
        foreach (Match use in Use().Matches(expression))
        {
            var name = use.Groups["name"].Value;
            var bare = HistogramPart().Replace(name, "");
            var isPart = bare != name && names.Figures.TryGetValue(bare, out var whole) && whole.Type == "histogram";
            if (!names.Figures.TryGetValue(isPart ? bare : name, out var figure))
            {
                yield return $"no figure {name}: {expression}";
                continue;
            }
            if (figure.Type == "histogram" && !isPart)
                yield return $"{name} is a histogram: {expression}";
            var isRate = Rate().IsMatch(expression[..use.Index]);
            if (isRate && figure.Type == "gauge")
                yield return $"{name} is a gauge: {expression}";
            if (!isRate && figure.Type != "gauge")
                yield return $"{name} without a rate: {expression}";
            labels.Add(figure.Label);
            foreach (Match matcher in Matcher().Matches(use.Groups["labels"].Value))
            {
                var (label, how, words) = (matcher.Groups[1].Value, matcher.Groups[2].Value, matcher.Groups[3].Value);
                if (s_labelsOfTheirs.Contains(label))
                    continue;
                if (label != figure.Label)
                    yield return $"{name} has no label {label}: {expression}";
                else if (figure.Words.Count > 0)
                {
                    foreach (var word in how.EndsWith('~') ? words.Split('|') : [words])
                    {
                        if (!figure.Words.Contains(word))
                            yield return $"{label} is never {word}: {expression}";
                    }
                }
            }
        }
        foreach (Match by in By().Matches(expression))
        {
            foreach (var label in by.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries))
            {
                if (!labels.Contains(label))
                    yield return $"no label {label}: {expression}";
            }
        }
    }

    /// <summary>On the line of "expr:", or on those below it that are further in.</summary>
    private static IEnumerable<string> Expressions(string rules)
    {
        var lines = rules.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var at = lines[i].IndexOf("expr: ", StringComparison.Ordinal);
            if (at < 0)
                continue;
            var expression = lines[i][(at + 6)..];
            while (lines[i + 1].StartsWith(new string(' ', at + 2), StringComparison.Ordinal))
                expression += ' ' + lines[++i].Trim();
            yield return expression;
        }
    }

    private static (int Code, string Said) Promtool(string input, params string[] arguments)
    {
        var unpacked = Path.Combine(Root, "artifacts/tools/usr/bin/promtool");
        var start = new ProcessStartInfo(File.Exists(unpacked) ? unpacked : "promtool", arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        // It reads all of it before it says a word, and what it says of a file fits into a pipe.
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var said = process.StandardError.ReadToEnd();
        if (arguments[1] != "metrics")
            said += process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(Until.Patience), "promtool has not ended");
        return (process.ExitCode, said);
    }

    /// <summary>The figures without their values.</summary>
    private sealed class Names : IMetrics
    {
        public sealed record Figure(string Type, string Label, HashSet<string> Words);

        public Dictionary<string, Figure> Figures { get; } = new(StringComparer.Ordinal);

        public void Counter(string name, string help, double? value, bool outlives = false) => Figures.Add(name, new("counter", "", []));

        public void Gauge(string name, string help, double? value) => Figures.Add(name, new("gauge", "", []));

        public void Counters(string name, string help, string label, IEnumerable<(string Word, double Value)> samples) =>
            Figures.Add(name, new("counter", label, [.. samples.Select(static s => s.Word)]));

        public void Gauges(string name, string help, string label, IEnumerable<(string Word, double Value)> samples) =>
            Figures.Add(name, new("gauge", label, [.. samples.Select(static s => s.Word)]));

        public void Histogram(string name, string help, IReadOnlyList<double> bounds, IReadOnlyList<long> classes, double sum) =>
            Figures.Add(name, new("histogram", "", []));

        public void Histograms(string name, string help, IReadOnlyList<double> bounds, string label, IEnumerable<(string Word, IReadOnlyList<long> Classes, double Sum)> samples) =>
            Figures.Add(name, new("histogram", label, [.. samples.Select(static s => s.Word)]));
    }

    [GeneratedRegex(@"(?<name>\b(?:xlive|process)_[a-z_]+\b)(?:\{(?<labels>[^}]*)\})?")]
    private static partial Regex Use();

    [GeneratedRegex(@"(\w+)(=~|!~|!=|=)""([^""]*)""")]
    private static partial Regex Matcher();

    [GeneratedRegex(@"\bby \(([^)]*)\)")]
    private static partial Regex By();

    // "resets" is for gauges that only rise, the uptime.
    [GeneratedRegex(@"\b(rate|increase)\($")]
    private static partial Regex Rate();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex HistogramPart();

    [GeneratedRegex(@"alert: (\w+)")]
    private static partial Regex AlertName();

    private static string Here([CallerFilePath] string path = "") => path;
}
