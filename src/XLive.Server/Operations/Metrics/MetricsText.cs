using System.Globalization;
using System.Text;

namespace XLive.Server.Operations.Metrics;

/// <summary>Prometheus's text format, version 0.0.4: of each name once what it means and its type, then its samples.</summary>
internal sealed class MetricsText : IMetrics
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new(16 << 10);

    public void Counter(string name, string help, double? value, bool outlives = false) => Single(name, help, "counter", value);

    public void Gauge(string name, string help, double? value) => Single(name, help, "gauge", value);

    public void Counters(string name, string help, string label, IEnumerable<(string Word, double Value)> samples) => Labelled(name, help, "counter", label, samples);

    public void Gauges(string name, string help, string label, IEnumerable<(string Word, double Value)> samples) => Labelled(name, help, "gauge", label, samples);

    public void Histogram(string name, string help, IReadOnlyList<double> bounds, IReadOnlyList<long> classes, double sum)
    {
        Head(name, help, "histogram");
        Classes(name, null, "", bounds, classes, sum);
    }

    public void Histograms(string name, string help, IReadOnlyList<double> bounds, string label, IEnumerable<(string Word, IReadOnlyList<long> Classes, double Sum)> samples)
    {
        Head(name, help, "histogram");
        foreach (var (word, classes, sum) in samples)
            Classes(name, label, word, bounds, classes, sum);
    }

    private void Classes(string name, string? label, string word, IReadOnlyList<double> bounds, IReadOnlyList<long> classes, double sum)
    {
        long below = 0;
        for (var i = 0; i < classes.Count; i++)
        {
            below += classes[i];
            _text.Append(name).Append("_bucket{");
            if (label is not null)
                _text.Append(label).Append("=\"").Append(word).Append("\",");
            _text.Append("le=\"").Append(i < bounds.Count ? Number(bounds[i]) : "+Inf").Append("\"} ").Append(below).Append('\n');
        }
        Sample(name + "_sum", label, word, sum);
        Sample(name + "_count", label, word, below);
    }

    private void Single(string name, string help, string type, double? value)
    {
        Head(name, help, type);
        if (value is { } known)
            Sample(name, null, "", known);
    }

    private void Labelled(string name, string help, string type, string label, IEnumerable<(string Word, double Value)> samples)
    {
        Head(name, help, type);
        foreach (var (word, value) in samples)
            Sample(name, label, word, value);
    }

    private void Head(string name, string help, string type) =>
        _text.Append("# HELP ").Append(name).Append(' ').Append(help).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');

    private void Sample(string name, string? label, string word, double value)
    {
        _text.Append(name);
        if (label is not null)
            _text.Append('{').Append(label).Append("=\"").Append(word).Append("\"}");
        _text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);

    public override string ToString() => _text.ToString();
}
