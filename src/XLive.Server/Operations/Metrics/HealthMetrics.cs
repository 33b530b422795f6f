using XLive.Server.Operations.Health;

namespace XLive.Server.Operations.Metrics;

/// <summary>What /health says, for alerts. Checks are words of ours.</summary>
internal static class HealthMetrics
{
    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        var worst = HealthState.Healthy;
        var checks = new List<(string Check, double State)>();
        foreach (var entry in services.GetRequiredService<HealthChecks>().Entries)
        {
            checks.Add((entry.Name, (int)entry.State));
            worst = entry.State > worst ? entry.State : worst;
        }
        metrics.Gauges("xlive_health", "Each check of /health: 0 healthy, 1 degraded, 2 unhealthy.", "check", checks);
        metrics.Gauge("xlive_health_state", "The worst of them: 0 healthy, 1 degraded, 2 unhealthy.", (int)worst);
        var clock = services.GetRequiredService<ClockWatch>();
        metrics.Counter("xlive_clock_jumps_total", "Times that the wall clock was set by a second or more.", clock.Jumps);
        metrics.Gauge("xlive_clock_synchronized", "1 while the kernel calls the wall clock synchronised; no figure where it does not tell.",
            clock.IsSynchronized is { } known ? known ? 1 : 0 : null);
    }
}
