using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Health;

/// <summary>Whether the logs are written. What was lost is told of for a minute: it comes back no more.</summary>
internal sealed class LogsCheck(LogFiles logs, TimeProvider clock)
{
    private static readonly TimeSpan LossIsTold = TimeSpan.FromMinutes(1);

    private long _dropped;
    private long _droppedAt;

    /// <summary>By one at a time.</summary>
    public (HealthState, string) Look()
    {
        var dropped = logs.Dropped.Sum(static d => d.Lines);
        if (dropped > _dropped)
            (_dropped, _droppedAt) = (dropped, clock.GetTimestamp());
        var lost = dropped == 0 ? "none dropped" : $"{dropped} lines dropped since the start";
        if (logs.Fault is { } fault)
            return (HealthState.Degraded, $"{fault}; {lost}");
        return (dropped > 0 && clock.GetElapsedTime(_droppedAt) < LossIsTold ? HealthState.Degraded : HealthState.Healthy, lost);
    }
}
