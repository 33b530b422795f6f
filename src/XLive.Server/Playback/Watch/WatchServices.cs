using XLive.Server.Playback.Http;

namespace XLive.Server.Playback.Watch;

public static class WatchServices
{
    public static void AddWatch(this IServiceCollection services)
    {
        services.AddSingleton<WatchPage>();
        services.AddSingleton<IPageSource>(p => p.GetRequiredService<WatchPage>());
    }
}
