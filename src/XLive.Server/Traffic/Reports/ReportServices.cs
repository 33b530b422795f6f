using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XLive.Server.Settings;
using XLive.Server.Telemetry;
using XLive.Server.Traffic.Quotas;

namespace XLive.Server.Traffic.Reports;

public static class ReportServices
{
    /// <summary>Before the ledger's loops: what is started last stops first, so the last window is cut and then posted.</summary>
    public static void AddReports(this IServiceCollection services, ServerSettings settings)
    {
        if (!settings.Of<TrafficOptions>().Enable)
            return;
        services.AddSingleton(p => new Reporter(p.GetRequiredService<Ledger>(), p.GetRequiredService<Verdicts>(), settings.Of<ReportOptions>,
            p.GetRequiredService<Supervisor>(), p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ILogger<Reporter>>()));
        services.AddHostedService(static p => p.GetRequiredService<Reporter>());
    }
}
