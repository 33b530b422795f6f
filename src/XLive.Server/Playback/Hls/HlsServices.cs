using XLive.Server.Playback.Http;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Hls;

public static class HlsServices
{
    public static void AddHls(this IServiceCollection services)
    {
        services.AddSingleton<HlsStreams>();
        services.AddSingleton<TransportAnswers>();
        services.AddSingleton<CmafAnswers>();
        services.AddSingleton<IMediaSource, HlsHandler>();
    }

    /// <summary>Before the first stream comes.</summary>
    public static void UseHls(this IServiceProvider services)
    {
        var streams = services.GetRequiredService<HlsStreams>();
        services.GetRequiredService<Supervisor>().Every("live playlists", TimeSpan.FromSeconds(1), streams.Expire);
    }
}
