using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Telemetry;

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
            settings.Of<TrafficOptions>, p.GetRequiredService<TimeProvider>()) { Privacy = () => settings.Of<LogOptions>().Address });
        services.AddHostedService<TrafficLoops>();
    }
}
