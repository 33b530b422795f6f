using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Vod.Origin;

public static class OriginServices
{
    /// <summary>Where an origin is named in the settings; else there is no client.</summary>
    public static void AddOrigin(this IServiceCollection services, ServerSettings settings)
    {
        if (settings.Of<OriginOptions>().IsSet)
            services.AddSingleton(p => new OriginClient(settings.Of<OriginOptions>, p.GetRequiredService<Supervisor>(), p.GetRequiredService<TimeProvider>(),
                p.GetRequiredService<ILogger<OriginClient>>()));
    }
}
