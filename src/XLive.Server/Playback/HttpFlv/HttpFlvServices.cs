using XLive.Server.Playback.Http;

namespace XLive.Server.Playback.HttpFlv;

public static class HttpFlvServices
{
    public static void AddHttpFlv(this IServiceCollection services)
    {
        // The same path: asked for as a WebSocket it is one.
        services.AddSingleton<IMediaSource, WsFlvHandler>();
        services.AddSingleton<IMediaSource, FlvHandler>();
    }
}
