using XLive.Server.Settings;

namespace XLive.Server.Live;

public static class LiveServices
{
    public static void AddLive(this IServiceCollection services, ServerSettings settings)
    {
        services.AddSingleton<Shards>();
        services.AddSingleton<LiveRoom>();
        services.AddSingleton(p => new LiveStreams(settings.Of<LiveOptions>, p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ILogger<LiveStreams>>()));
    }
}
