using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XLive.Server.Playback.Http;
using XLive.Server.Door;
using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Vod;

public static class VodServices
{
    public static void AddVod(this IServiceCollection services, ServerSettings settings)
    {
        services.AddSingleton<KeyPaths>();
        services.AddSingleton(p => new FolderSource(settings.Of<FolderOptions>(), () => OwnHosts(settings.Of<DoorOptions>()),
            p.GetRequiredService<KeyPaths>(), p.GetRequiredService<Descriptors>().Files, p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<FolderSource>>(), p.GetRequiredService<Supervisor>(),
            p.GetRequiredService<SpareDescriptors>()));
        services.AddSingleton<VodHandler>();
    }

    /// <summary>Media goes from the door to here.</summary>
    public static void UseVod(this IServiceProvider services)
    {
        var table = services.GetRequiredService<FolderSource>().Table;
        services.GetRequiredService<Overload>().Shedding += table.Shrink;
        services.GetRequiredService<FrontDoor>().Media = services.GetRequiredService<VodHandler>().AnswerAsync;
    }

    private static List<string> OwnHosts(DoorOptions door)
    {
        var hosts = new List<string>(door.PublicUrl.Count);
        foreach (var url in door.PublicUrl)
        {
            var parsed = new Uri(url);
            hosts.Add(parsed.IsDefaultPort ? parsed.IdnHost : parsed.IdnHost + ":" + parsed.Port);
        }
        return hosts;
    }
}
