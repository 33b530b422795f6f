using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XLive.Server.Access;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Playback.Vod.Warming;
using XLive.Server.Door;
using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Vod;

public static class VodServices
{
    private const long LeastMemory = 16 << 20;
    private const long MostWaiting = 64 << 20;

    public static void AddVod(this IServiceCollection services, ServerSettings settings)
    {
        services.AddSingleton<KeyPaths>();
        services.AddSingleton(p => new FolderSource(settings.Of<FolderOptions>(), () => OwnHosts(settings.Of<DoorOptions>()),
            p.GetRequiredService<KeyPaths>(), p.GetRequiredService<Descriptors>().Files, p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<FolderSource>>(), p.GetRequiredService<Supervisor>(),
            p.GetRequiredService<SpareDescriptors>()));
        services.AddSingleton<PlaylistAnswers>();
        if (settings.Of<FolderOptions>() is { Mode: not BackendMode.Http } folder)
        {
            services.AddSingleton<IsFilmFolder>(p =>
                name => FolderLook.IsThereAsync(p.GetRequiredService<FolderSource>(), folder.Root, name, p.GetRequiredService<TimeProvider>()));
        }
        if (settings.Of<FolderOptions>().Mode != BackendMode.Filesystem)
            AddCache(services, settings);
        services.AddSingleton<IMediaSource>(p => new VodHandler(
            settings.Of<FolderOptions>().Mode == BackendMode.Http ? null : p.GetRequiredService<FolderSource>(), p.GetService<OriginHandler>(),
            p.GetRequiredService<PlaylistAnswers>(), p.GetRequiredService<KeyPaths>()));
        services.AddSingleton<MediaRefusals>();
        services.AddSingleton<MediaAnswers>();
    }

    private static void AddCache(IServiceCollection services, ServerSettings settings)
    {
        // What two tiers share they share evenly.
        var folder = settings.Of<FolderOptions>();
        var memory = folder.Mode == BackendMode.Hybrid ? folder.CacheMemory / 2 : folder.CacheMemory;
        // What is read whole needs a place until it is sent, even where nothing is kept.
        services.AddSingleton(_ => new BlockBudget(Math.Max(memory, LeastMemory)));
        var disk = settings.Of<CacheOptions>().Disk;
        services.AddSingleton(_ =>
        {
            var policies = new CachePolicies(settings.Of<CacheOptions>(), keeps: memory > 0 || disk > 0);
            settings.Changed += changed =>
            {
                if (changed.Contains("cache.rules"))
                    policies.Change(settings.Of<CacheOptions>());
            };
            return policies;
        });
        services.AddSingleton(p => new WholeObjects(p.GetRequiredService<BlockBudget>(), p.GetRequiredService<KeyPaths>(), () => OwnHosts(settings.Of<DoorOptions>())));
        if (disk > 0)
        {
            var dir = settings.Of<CacheOptions>().Dir is { Length: > 0 } given ? given : Path.Combine(settings.Of<DataOptions>().Dir, "cache");
            services.AddSingleton(_ => new DiskFiles(Path.GetFullPath(dir)));
            // An eighth of the memory may wait for the disk; one block always can.
            services.AddSingleton(p => new DiskCache(p.GetRequiredService<DiskFiles>(), disk, Math.Clamp(memory / 8, 2 * Block.Size, MostWaiting),
                p.GetRequiredService<CachePolicies>(), p.GetRequiredService<KeyPaths>(), p.GetRequiredService<WholeObjects>(), p.GetRequiredService<TimeProvider>(),
                p.GetRequiredService<Supervisor>(), p.GetRequiredService<ILogger<DiskCache>>()));
        }
        services.AddSingleton(p => new OriginCache(new PatientOrigins(p.GetRequiredService<OriginClient>()), p.GetRequiredService<CachePolicies>(),
            p.GetRequiredService<BlockBudget>(), p.GetRequiredService<WholeObjects>(), p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<OriginCache>>(), p.GetRequiredService<ILogger<BlockFetcher>>(), p.GetService<DiskCache>()));
        services.AddSingleton<OriginAnswers>();
        services.AddSingleton<OriginHandler>();
        services.AddSingleton(p => new WarmJobs(p.GetRequiredService<OriginCache>(), p.GetRequiredService<KeyPaths>(), settings.Of<OriginOptions>(),
            folder.Mode == BackendMode.Hybrid ? IsIn(p.GetRequiredService<FolderSource>(), p.GetRequiredService<TimeProvider>()) : null,
            p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ILogger<WarmJobs>>()));
    }

    private static Func<string, CancellationToken, ValueTask<bool>> IsIn(FolderSource files, TimeProvider clock) => async (path, stop) =>
    {
        var found = await files.FindAsync(path, clock.GetTimestamp(), stop);
        found.Entry?.Release();
        return found.Fault != FileFault.NotFound;
    };

    /// <summary>Media goes from the door to here.</summary>
    public static void UseVod(this IServiceProvider services)
    {
        var table = services.GetRequiredService<FolderSource>().Table;
        services.GetRequiredService<Overload>().Shedding += table.Shrink;
        if (services.GetService<BlockBudget>() is { } budget)
            services.GetRequiredService<Overload>().Shedding += budget.Shrink;
        services.GetRequiredService<FrontDoor>().Media = services.GetRequiredService<MediaAnswers>().AnswerAsync;
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
