using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Sessions;
using XLive.Server.Settings;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.FrontCache;

public static class FrontCacheServices
{
    public static void AddFrontCache(this IServiceCollection services, ServerSettings settings)
    {
        services.AddSingleton(p => new CheckAnswers(p.GetRequiredService<PlaybackGate>(), p.GetRequiredService<SessionTickets>(), p.GetRequiredService<AuditLog>(),
            settings.Of<FolderOptions>().Mode != BackendMode.Filesystem));
        if (!settings.Of<TrafficOptions>().Enable)
            return;
        services.AddSingleton(p => new ByteLogs(p.GetRequiredService<Ledger>(), p.GetRequiredService<SessionTable>(), p.GetRequiredService<SessionTickets>(),
            settings.Of<ProxyLogOptions>().Logs, p.GetRequiredService<Supervisor>(), p.GetRequiredService<ILogger<ByteLogs>>()));
        services.AddHostedService(p => p.GetRequiredService<ByteLogs>());
    }

    public static void UseFrontCache(this IServiceProvider services) =>
        services.GetRequiredService<FrontDoor>().Check = services.GetRequiredService<CheckAnswers>().AnswerAsync;
}
