namespace XLive.Server.Operations.Metrics;

/// <summary>
/// Takes the figures one after the other and makes of them what its readers want: Prometheus's text, or OTLP's message. Labels are words of
/// ours, and names that were looked at: those of streams and interfaces, as many as are bounded. No label grows with users.
/// </summary>
internal interface IMetrics
{
    /// <param name="value">Null: there is no such figure on this machine. The name stays, so that the pages are everywhere the same.</param>
    /// <param name="outlives">It goes on where the process before left it.</param>
    void Counter(string name, string help, double? value, bool outlives = false);

    /// <inheritdoc cref="Counter"/>
    void Gauge(string name, string help, double? value);

    void Counters(string name, string help, string label, IEnumerable<(string Word, double Value)> samples);

    void Gauges(string name, string help, string label, IEnumerable<(string Word, double Value)> samples);

    /// <param name="bounds">Upper bounds, of all classes but the last.</param>
    /// <param name="classes">How many fell into each, not into it and those before.</param>
    void Histogram(string name, string help, IReadOnlyList<double> bounds, IReadOnlyList<long> classes, double sum);

    void Histograms(string name, string help, IReadOnlyList<double> bounds, string label, IEnumerable<(string Word, IReadOnlyList<long> Classes, double Sum)> samples);
}
