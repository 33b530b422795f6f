using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using XLive.Server.Tests.Reports;

namespace XLive.Server.Tests.Metrics;

/// <summary>One point, a histogram's too: its series as Prometheus's text would have it.</summary>
internal sealed record OtlpPoint(ulong Start, ulong Time, Dictionary<string, double> Samples);

internal sealed record OtlpMetric(string Name, string Help, string Unit, string Type)
{
    public List<OtlpPoint> Points { get; } = [];
    public bool IsCumulative { get; set; }
    public bool IsMonotonic { get; set; }
}

/// <summary>
/// What a collector makes of a post: the protobuf read by the numbers of opentelemetry-proto's metrics.proto, with no code of the writer's.
/// A field that is not in it fails, and so does one of another wire type.
/// </summary>
internal sealed class OtlpReading
{
    public Dictionary<string, string> Resource { get; } = new(StringComparer.Ordinal);
    public List<OtlpMetric> Metrics { get; } = [];

    public Dictionary<string, double> Samples => Metrics.SelectMany(static m => m.Points).SelectMany(static p => p.Samples).ToDictionary(StringComparer.Ordinal);

    public static OtlpReading Of(Received post)
    {
        Assert.Equal("application/x-protobuf", post.Headers["Content-Type"]);
        return Of(Unzipped(post));
    }

    public static byte[] Unzipped(Received post)
    {
        if (!post.Headers.TryGetValue("Content-Encoding", out var encoding))
            return post.Body;
        Assert.Equal("gzip", encoding);
        using var zip = new GZipStream(new MemoryStream(post.Body), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        zip.CopyTo(plain);
        return plain.ToArray();
    }

    public static OtlpReading Of(byte[] message)
    {
        var reading = new OtlpReading();
        foreach (var resourceMetrics in Fields(message, "1B").Select(static f => f.Bytes))
        {
            foreach (var (field, bytes, _) in Fields(resourceMetrics, "1B 2B"))
            {
                if (field == 1)
                    reading.ReadResource(bytes);
                else
                    reading.ReadScope(bytes);
            }
        }
        return reading;
    }

    private void ReadResource(byte[] resource)
    {
        foreach (var (_, bytes, _) in Fields(resource, "1B"))
        {
            var (key, value) = Attribute(bytes);
            Resource.Add(key, value);
        }
    }

    private void ReadScope(byte[] scope)
    {
        foreach (var (field, bytes, _) in Fields(scope, "1B 2B"))
        {
            if (field == 2)
                Metrics.Add(ReadMetric(bytes));
            else
                Assert.Equal("xlive", Text(Fields(bytes, "1B 2B").First(static f => f.Number == 1).Bytes));
        }
    }

    private static OtlpMetric ReadMetric(byte[] bytes)
    {
        var fields = Fields(bytes, "1B 2B 3B 5B 7B 9B").ToDictionary(static f => f.Number, static f => f.Bytes);
        var kind = Assert.Single(fields.Keys, static k => k >= 5);
        var metric = new OtlpMetric(Text(fields[1]), Text(fields[2]), fields.TryGetValue(3, out var unit) ? Text(unit) : "",
            kind switch { 5 => "gauge", 7 => "counter", _ => "histogram" });
        foreach (var (field, inner, number) in Fields(fields[kind], kind switch { 5 => "1B", 7 => "1B 2V 3V", _ => "1B 2V" }))
        {
            if (field == 2)
                metric.IsCumulative = number == 2;
            else if (field == 3)
                metric.IsMonotonic = number == 1;
            else
                metric.Points.Add(kind == 9 ? Histogram(metric.Name, inner) : Number(metric.Name, inner));
        }
        return metric;
    }

    private static OtlpPoint Number(string name, byte[] point)
    {
        ulong start = 0, time = 0;
        double value = double.NaN;
        var labels = "";
        foreach (var (field, bytes, number) in Fields(point, "2F 3F 4F 7B"))
        {
            if (field == 2)
                start = number;
            else if (field == 3)
                time = number;
            else if (field == 4)
                value = BitConverter.UInt64BitsToDouble(number);
            else
            {
                var (key, word) = Attribute(bytes);
                labels += $"{(labels.Length > 0 ? "," : "")}{key}=\"{word}\"";
            }
        }
        return new OtlpPoint(start, time, new() { [labels.Length > 0 ? $"{name}{{{labels}}}" : name] = value });
    }

    private static OtlpPoint Histogram(string name, byte[] point)
    {
        ulong start = 0, time = 0, count = 0;
        double sum = 0;
        ulong[] classes = [], bounds = [];
        var labels = "";
        foreach (var (field, bytes, number) in Fields(point, "2F 3F 4F 5F 6B 7B 9B"))
        {
            switch (field)
            {
                case 2: start = number; break;
                case 3: time = number; break;
                case 4: count = number; break;
                case 5: sum = BitConverter.UInt64BitsToDouble(number); break;
                case 6: classes = Packed(bytes); break;
                case 7: bounds = Packed(bytes); break;
                default:
                    var (key, word) = Attribute(bytes);
                    labels += $"{key}=\"{word}\"";
                    break;
            }
        }
        Assert.Equal(bounds.Length + 1, classes.Length);
        Assert.Equal(count, classes.Aggregate(0UL, static (a, b) => a + b));
        var of = labels.Length > 0 ? $"{{{labels}}}" : "";
        var samples = new Dictionary<string, double>(StringComparer.Ordinal) { [name + "_sum" + of] = sum, [name + "_count" + of] = count };
        double below = 0;
        for (var i = 0; i < classes.Length; i++)
        {
            var edge = i < bounds.Length ? BitConverter.UInt64BitsToDouble(bounds[i]).ToString(CultureInfo.InvariantCulture) : "+Inf";
            samples[$"{name}_bucket{{{labels}{(labels.Length > 0 ? "," : "")}le=\"{edge}\"}}"] = below += classes[i];
        }
        return new OtlpPoint(start, time, samples);
    }

    private static ulong[] Packed(byte[] bytes)
    {
        Assert.Equal(0, bytes.Length % 8);
        return [.. bytes.Chunk(8).Select(static b => BinaryPrimitives.ReadUInt64LittleEndian(b))];
    }

    private static (string Key, string Value) Attribute(byte[] bytes)
    {
        var fields = Fields(bytes, "1B 2B").ToDictionary(static f => f.Number, static f => f.Bytes);
        return (Text(fields[1]), Text(Assert.Single(Fields(fields[2], "1B")).Bytes));
    }

    private static string Text(byte[] bytes) => new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);

    /// <param name="known">The numbers that may come, each with its wire type: V varint, F fixed64, B bytes.</param>
    private static List<(int Number, byte[] Bytes, ulong Value)> Fields(byte[] message, string known)
    {
        var fields = new List<(int, byte[], ulong)>();
        for (var at = 0; at < message.Length;)
        {
            var tag = Varint(message, ref at);
            var number = (int)(tag >> 3);
            var type = (tag & 7) switch { 0 => 'V', 1 => 'F', 2 => 'B', _ => '?' };
            Assert.Contains($"{number}{type}", known.Split(' '));
            ulong value = 0;
            byte[] bytes = [];
            if (type == 'V')
            {
                value = Varint(message, ref at);
            }
            else if (type == 'F')
            {
                value = BinaryPrimitives.ReadUInt64LittleEndian(message.AsSpan(at, 8));
                at += 8;
            }
            else
            {
                var length = (int)Varint(message, ref at);
                bytes = message[at..(at + length)];
                at += length;
            }
            fields.Add((number, bytes, value));
        }
        return fields;
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var b = message[at++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
                return value;
        }
    }
}
