namespace XLive.Server.Operations.Metrics;

/// <summary>
/// The figures as an ExportMetricsServiceRequest (opentelemetry-proto 1.0, metrics.proto), under the names that they have in Prometheus's
/// text. A counter is a cumulative sum from the start of this process on; of one that outlives it nobody knows the start, and it has none.
/// </summary>
internal sealed class OtlpMessage(DateTimeOffset start, string version, string instance) : IMetrics
{
    /// <summary>A collector takes 20 MiB and a proxy before it often 1; ours are 25 KiB.</summary>
    public const int MostBytes = 1 << 20;

    private const uint Cumulative = 2;

    private readonly ProtobufWriter _out = new();
    private readonly ulong _start = Nanoseconds(start);
    private readonly string _host = Environment.MachineName;
    private ulong _now;
    private int _resource;
    private int _scope;

    // Field numbers: of Metric, of the three kinds of it, of its points.
    private const int MetricGauge = 5, MetricSum = 7, MetricHistogram = 9;
    private const int Points = 1, Temporality = 2, Monotonic = 3;
    private const int PointStart = 2, PointTime = 3, PointDouble = 4, PointAttributes = 7;
    private const int Count = 4, Sum = 5, BucketCounts = 6, Bounds = 7, HistogramAttributes = 9;

    /// <summary>Names for which there was no room, in all messages.</summary>
    public long LeftOut { get; private set; }

    public void Begin(DateTimeOffset now)
    {
        // A clock that was set back: no point ends before it begins.
        _now = Math.Max(Nanoseconds(now), _start);
        _out.Clear();
        _resource = _out.Begin(1);
        var resource = _out.Begin(1);
        Attribute(1, "service.name", "xlive");
        Attribute(1, "service.version", version);
        Attribute(1, "service.instance.id", instance);
        Attribute(1, "host.name", _host);
        _out.End(resource);
        _scope = _out.Begin(2);
        var scope = _out.Begin(1);
        _out.Text(1, "xlive");
        _out.Text(2, version);
        _out.End(scope);
    }

    /// <summary>Holds until the next is begun.</summary>
    public ReadOnlySpan<byte> End()
    {
        _out.End(_scope);
        _out.End(_resource);
        return _out.Written;
    }

    public void Counter(string name, string help, double? value, bool outlives = false)
    {
        if (value is not { } known)
            return;
        var mark = Begin(name, help, MetricSum, out var metric, out var sum);
        Point(outlives ? 0 : _start, null, "", known);
        EndSum(sum);
        End(metric, mark);
    }

    public void Gauge(string name, string help, double? value)
    {
        if (value is not { } known)
            return;
        var mark = Begin(name, help, MetricGauge, out var metric, out var gauge);
        Point(0, null, "", known);
        _out.End(gauge);
        End(metric, mark);
    }

    public void Counters(string name, string help, string label, IEnumerable<(string Word, double Value)> samples)
    {
        var mark = Begin(name, help, MetricSum, out var metric, out var sum);
        var any = PointsOf(_start, label, samples);
        EndSum(sum);
        End(metric, mark, any);
    }

    public void Gauges(string name, string help, string label, IEnumerable<(string Word, double Value)> samples)
    {
        var mark = Begin(name, help, MetricGauge, out var metric, out var gauge);
        var any = PointsOf(0, label, samples);
        _out.End(gauge);
        End(metric, mark, any);
    }

    public void Histogram(string name, string help, IReadOnlyList<double> bounds, IReadOnlyList<long> classes, double sum)
    {
        var mark = Begin(name, help, MetricHistogram, out var metric, out var histogram);
        Classes(null, "", bounds, classes, sum);
        _out.Number(Temporality, Cumulative);
        _out.End(histogram);
        End(metric, mark);
    }

    public void Histograms(string name, string help, IReadOnlyList<double> bounds, string label, IEnumerable<(string Word, IReadOnlyList<long> Classes, double Sum)> samples)
    {
        var mark = Begin(name, help, MetricHistogram, out var metric, out var histogram);
        var any = false;
        foreach (var (word, classes, sum) in samples)
        {
            Classes(label, word, bounds, classes, sum);
            any = true;
        }
        _out.Number(Temporality, Cumulative);
        _out.End(histogram);
        End(metric, mark, any);
    }

    private void Classes(string? label, string word, IReadOnlyList<double> bounds, IReadOnlyList<long> classes, double sum)
    {
        var point = _out.Begin(Points);
        _out.Fixed(PointStart, _start);
        _out.Fixed(PointTime, _now);
        // They go on being counted: their number is that of the classes as they were read here.
        var counts = _out.Begin(BucketCounts);
        ulong count = 0;
        for (var i = 0; i < classes.Count; i++)
        {
            var each = (ulong)classes[i];
            count += each;
            _out.Packed(each);
        }
        _out.End(counts);
        var edges = _out.Begin(Bounds);
        for (var i = 0; i < bounds.Count; i++)
            _out.Packed(BitConverter.DoubleToUInt64Bits(bounds[i]));
        _out.End(edges);
        _out.Fixed(Count, count);
        _out.Double(Sum, sum);
        if (label is not null)
            Attribute(HistogramAttributes, label, word);
        _out.End(point);
    }

    private int Begin(string name, string help, int kind, out int metric, out int data)
    {
        var mark = _out.Length;
        metric = _out.Begin(2);
        _out.Text(1, name);
        _out.Text(2, help);
        if (Unit(name) is { } unit)
            _out.Text(3, unit);
        data = _out.Begin(kind);
        return mark;
    }

    /// <summary>As UCUM writes it. Whoever makes Prometheus's name of it puts no unit behind one that has it.</summary>
    private static string? Unit(string name) =>
        name.EndsWith("_bytes_per_second", StringComparison.Ordinal) ? "By/s" : name.Contains("_bytes", StringComparison.Ordinal) ? "By" : name.Contains("_seconds", StringComparison.Ordinal) ? "s" : null;

    private void Point(ulong start, string? label, string word, double value)
    {
        var point = _out.Begin(Points);
        if (start != 0)
            _out.Fixed(PointStart, start);
        _out.Fixed(PointTime, _now);
        _out.Double(PointDouble, value);
        if (label is not null)
            Attribute(PointAttributes, label, word);
        _out.End(point);
    }

    private bool PointsOf(ulong start, string label, IEnumerable<(string Word, double Value)> samples)
    {
        var any = false;
        foreach (var (word, value) in samples)
        {
            Point(start, label, word, value);
            any = true;
        }
        return any;
    }

    private void Attribute(int field, string key, string text)
    {
        var attribute = _out.Begin(field);
        _out.Text(1, key);
        var value = _out.Begin(2);
        _out.Text(1, text);
        _out.End(value);
        _out.End(attribute);
    }

    private void EndSum(int sum)
    {
        _out.Number(Temporality, Cumulative);
        _out.Number(Monotonic, 1);
        _out.End(sum);
    }

    // Receivers complain of a name without points, so one is not sent.
    private void End(int metric, int mark, bool any = true)
    {
        _out.End(metric);
        if (any && _out.Length <= MostBytes)
            return;
        _out.CutTo(mark);
        LeftOut += any ? 1 : 0;
    }

    private static ulong Nanoseconds(DateTimeOffset time) => (ulong)Math.Max(0, (time - DateTimeOffset.UnixEpoch).Ticks) * (1_000_000_000 / TimeSpan.TicksPerSecond);
}
