using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Telemetry;
using XLive.Server.Traffic.Quotas;
using XLive.Server.Traffic.Reports;

namespace XLive.Server.Traffic;

public static class TrafficServices
{
    /// <summary>Needs DataOptions. Whoever first asks for the meters opens the ledger; <see cref="LedgerFault"/> when it cannot be.</summary>
    public static void AddTraffic(this IServiceCollection services, ServerSettings settings)
    {
        if (!settings.Of<TrafficOptions>().Enable)
        {
            services.AddSingleton<UserMeters>();
            return;
        }
        services.AddSingleton(p => LedgerStart.In(Path.Combine(p.GetRequiredService<DataOptions>().MakeDir(), "traffic"),
            settings.Of<TrafficOptions>(), p.GetRequiredService<TimeProvider>()));
        services.AddSingleton(p => new UserMeters(p.GetRequiredService<LedgerStart>().Slots, new TrafficClock(p.GetRequiredService<TimeProvider>())));
        services.AddSingleton(p => new Ledger(p.GetRequiredService<LedgerStart>().File, p.GetRequiredService<UserMeters>(),
            settings.Of<TrafficOptions>, p.GetRequiredService<TimeProvider>()));
        services.AddSingleton(p => new Verdicts(p.GetRequiredService<Ledger>().Db));
        services.AddSingleton(p => new QuotaWatch(p.GetRequiredService<Ledger>(), p.GetRequiredService<UserMeters>(), p.GetRequiredService<Verdicts>(),
            settings.Of<QuotaOptions>, p.GetRequiredService<TimeProvider>(), p.GetRequiredService<Supervisor>()));
        services.AddSingleton(p => new Reporter(p.GetRequiredService<Ledger>(), p.GetRequiredService<Verdicts>(), settings.Of<ReportOptions>,
            p.GetRequiredService<Supervisor>(), p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ILogger<Reporter>>()));
        // Stopped in the opposite order: the last window is cut, and then posted.
        services.AddHostedService(static p => p.GetRequiredService<Reporter>());
        services.AddHostedService<TrafficLoops>();
        services.AddHostedService(static p => p.GetRequiredService<QuotaWatch>());
    }
}
