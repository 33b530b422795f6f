using XLive.Server.Settings;

namespace XLive.Server.Traffic.History;

public static class HistoryServices
{
    public static void AddTrafficHistory(this IServiceCollection services, ServerSettings settings)
    {
        services.AddSingleton<TrafficHistory>();
    }
}
