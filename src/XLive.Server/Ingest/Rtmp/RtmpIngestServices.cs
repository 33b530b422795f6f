using XLive.Server.Rtmp;

namespace XLive.Server.Ingest.Rtmp;

public static class RtmpIngestServices
{
    public static void AddRtmpIngest(this IServiceCollection services)
    {
        services.AddSingleton<IRtmpPublishers, RtmpIngest>();
        services.AddHostedService<RemovedKeys>();
    }
}
