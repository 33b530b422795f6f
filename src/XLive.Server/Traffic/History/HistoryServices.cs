using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Telemetry;

namespace XLive.Server.Traffic.History;

public static class HistoryServices
{
    /// <summary>Behind AddTraffic and AddStorage. What stands in the history is read with traffic.enable off too.</summary>
    public static void AddTrafficHistory(this IServiceCollection services, ServerSettings settings)
    {
        services.AddSingleton<TrafficHistory>();
        if (!settings.Of<TrafficOptions>().Enable)
        {
            return;
        }
        services.AddSingleton(static p => new HistoryMover(
            p.GetRequiredService<Ledger>().History, p.GetRequiredService<TrafficHistory>(), p.GetRequiredService<Database>()));
        services.AddHostedService(p => new HistoryLoop(p.GetRequiredService<HistoryMover>(), p.GetRequiredService<TrafficHistory>(),
            p.GetRequiredService<Database>(), settings.Of<HistoryOptions>, p.GetRequiredService<Supervisor>(), p.GetRequiredService<TimeProvider>()));
    }
}
