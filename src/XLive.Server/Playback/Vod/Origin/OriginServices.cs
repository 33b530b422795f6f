using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Settings;

namespace XLive.Server.Playback.Vod.Origin;

public static class OriginServices
{
    /// <summary>Where an origin is named in the settings; else there is no client.</summary>
    public static void AddOrigin(this IServiceCollection services, ServerSettings settings)
    {
        if (settings.Of<OriginOptions>().Addresses.Count > 0)
            services.AddSingleton(p => new OriginClient(settings.Of<OriginOptions>, p.GetRequiredService<TimeProvider>()));
    }
}
