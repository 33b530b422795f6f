using XLive.Server.Rtmp;

namespace XLive.Server.Playback.Rtmp;

public static class RtmpPlaybackServices
{
    public static void AddRtmpPlayback(this IServiceCollection services)
    {
        services.AddSingleton<RtmpPlayers>();
        services.AddSingleton<IRtmpPlayers>(static p => p.GetRequiredService<RtmpPlayers>());
    }
}
