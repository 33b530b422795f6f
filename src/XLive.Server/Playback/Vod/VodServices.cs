using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XLive.Server.Access;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Door;
using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Vod;

public static class VodServices
{
    private const long LeastMemory = 16 << 20;

    public static void AddVod(this IServiceCollection services, ServerSettings settings)
    {
        services.AddSingleton<KeyPaths>();
        services.AddSingleton(p => new FolderSource(settings.Of<FolderOptions>(), () => OwnHosts(settings.Of<DoorOptions>()),
            p.GetRequiredService<KeyPaths>(), p.GetRequiredService<Descriptors>().Files, p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<FolderSource>>(), p.GetRequiredService<Supervisor>(),
            p.GetRequiredService<SpareDescriptors>()));
        services.AddSingleton<PlaylistAnswers>();
        if (settings.Of<FolderOptions>().Mode != BackendMode.Filesystem)
            AddCache(services, settings);
        services.AddSingleton(p => new VodHandler(p.GetRequiredService<PlaybackGate>(),
            settings.Of<FolderOptions>().Mode == BackendMode.Http ? null : p.GetRequiredService<FolderSource>(), p.GetService<OriginHandler>(),
            p.GetRequiredService<PlaylistAnswers>(), p.GetRequiredService<KeyPaths>(), p.GetRequiredService<AuditLog>()));
    }

    private static void AddCache(IServiceCollection services, ServerSettings settings)
    {
        // What two tiers share they share evenly.
        var folder = settings.Of<FolderOptions>();
        var memory = folder.Mode == BackendMode.Hybrid ? folder.CacheMemory / 2 : folder.CacheMemory;
        // What is read whole needs a place until it is sent, even where nothing is kept.
        services.AddSingleton(_ => new BlockBudget(Math.Max(memory, LeastMemory)));
        services.AddSingleton(p => new OriginCache(new PatientOrigins(p.GetRequiredService<OriginClient>()), new CachePolicies(settings.Of<CacheOptions>(), keeps: memory > 0),
            p.GetRequiredService<BlockBudget>(), p.GetRequiredService<KeyPaths>(), () => OwnHosts(settings.Of<DoorOptions>()), p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<OriginCache>>(), p.GetRequiredService<ILogger<BlockFetcher>>()));
        services.AddSingleton<OriginHandler>();
    }

    /// <summary>Media goes from the door to here.</summary>
    public static void UseVod(this IServiceProvider services)
    {
        var table = services.GetRequiredService<FolderSource>().Table;
        services.GetRequiredService<Overload>().Shedding += table.Shrink;
        if (services.GetService<BlockBudget>() is { } budget)
            services.GetRequiredService<Overload>().Shedding += budget.Shrink;
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
