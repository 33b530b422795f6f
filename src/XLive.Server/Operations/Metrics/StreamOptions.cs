using XLive.Server.Settings;

namespace XLive.Server.Operations.Metrics;

public sealed class StreamOptions : ICheckedOptions
{
    // Four series each; a Prometheus bears it, and so does a post by OTLP.
    private const int Bound = 1000;

    [Setting("telemetry.streams", "so many live streams have figures of their own by name; the rest are one, \"others\"; 0: all are")]
    public int Streams { get; set; } = 50;

    public void Check(Action<string, string> fault)
    {
        if (Streams is < 0 or > Bound)
            fault("telemetry.streams", $"must be 0 to {Bound}");
    }
}
