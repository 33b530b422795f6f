using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Traffic.Quotas;

public static class QuotaServices
{
    /// <summary>After the ledger, whose totals it watches. Without traffic.enable nobody counts, and nobody has a quota.</summary>
    public static void AddQuotas(this IServiceCollection services, ServerSettings settings)
    {
        if (!settings.Of<TrafficOptions>().Enable)
            return;
        services.AddSingleton(p => new Verdicts(p.GetRequiredService<Ledger>().Db));
        services.AddSingleton(p => new QuotaWatch(p.GetRequiredService<Ledger>(), p.GetRequiredService<UserMeters>(), p.GetRequiredService<Verdicts>(),
            settings.Of<QuotaOptions>, p.GetRequiredService<TimeProvider>(), p.GetRequiredService<Supervisor>()));
        services.AddHostedService(static p => p.GetRequiredService<QuotaWatch>());
    }
}
