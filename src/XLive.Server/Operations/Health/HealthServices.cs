using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Door;
using XLive.Server.Door.Tls;
using XLive.Server.Hooks;
using XLive.Server.Limits;
using XLive.Server.Live;
using XLive.Server.Playback.FrontCache;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Sessions;
using XLive.Server.Sessions.Redis;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Storage.Redis;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Reports;

namespace XLive.Server.Operations.Health;

/// <summary>Each thing that the server needs, by the name that an operator looks for.</summary>
public static partial class HealthServices
{
    public static void AddHealth(this IServiceCollection services, ServerSettings settings)
    {
        services.AddSingleton(p => new HealthCheck("media", () => Media(settings.Of<FolderOptions>().Root)));
        services.AddSingleton(p => new HealthCheck("data", () => Data(p.GetRequiredService<DataOptions>().Dir)));
        services.AddSingleton<DiskCheck>();
        services.AddSingleton(p => new HealthCheck("disk", () => p.GetRequiredService<DiskCheck>().Look()));
        services.AddSingleton(p => new HealthCheck("database", () => DatabaseState(p.GetRequiredService<Database>())));
        // With Redis each node keeps its own file beside it.
        services.AddSingleton(p => new HealthCheck("sessions", () =>
            Store(p.GetService<RedisSessionStore>()?.FileStatus ?? p.GetRequiredService<ISessionStore>().Status, "stored")) { AtOnce = true });
        if (settings.Of<RedisOptions>().Target is not null)
            services.AddSingleton(p => new HealthCheck("redis", () => Redis(p.GetRequiredService<RedisSessionStore>())) { AtOnce = true });
        services.AddSingleton(p => new HealthCheck("connections", () =>
            Connections(p.GetRequiredService<ConnectionCount>().Open, p.GetRequiredService<Descriptors>().ConnectionsFor(settings.Of<DoorOptions>()))));
        services.AddSingleton(p => new HealthCheck("descriptors", () => Free(p.GetRequiredService<SpareDescriptors>())) { AtOnce = true });
        services.AddSingleton(p => new HealthCheck("memory", () => Memory(p.GetRequiredService<Overload>())) { AtOnce = true });
        services.AddSingleton(static _ => ProcessorTimes.OfProcess());
        services.AddSingleton(p => new ProcessorLoad(p.GetRequiredService<ProcessorTimes>().Read, p.GetRequiredService<TimeProvider>()));
        services.AddSingleton(p => new HealthCheck("cpu", () => Processors(p.GetRequiredService<ProcessorLoad>())));
        services.AddSingleton(p => new ClockWatch(p.GetRequiredService<TimeProvider>(), KernelClock.IsSynchronized));
        services.AddSingleton(p => new HealthCheck("clock", () => p.GetRequiredService<ClockWatch>().Look()) { AtOnce = true });
        services.AddSingleton(p => new HealthCheck("live", () => Live(p.GetRequiredService<LiveStreams>(), p.GetRequiredService<LiveRoom>())) { AtOnce = true });
        services.AddSingleton<SegmentsCheck>();
        services.AddSingleton(p => new HealthCheck("segments", () => p.GetRequiredService<SegmentsCheck>().Look()) { AtOnce = true });
        services.AddSingleton(p => new HealthCheck("loops", () =>
            Loops(p.GetRequiredService<Supervisor>(), p.GetRequiredService<Lifeline>())) { AtOnce = true });
        services.AddSingleton<LogsCheck>();
        services.AddSingleton(p => new HealthCheck("logs", () => p.GetRequiredService<LogsCheck>().Look()));
        services.AddSingleton(p => new HealthCheck("hooks", () => Hooks(p.GetRequiredService<HookSender>(), p.GetRequiredService<HookEndpoint>())) { AtOnce = true });
        if (settings.Of<TrafficOptions>().Enable)
        {
            services.AddSingleton(p => new HealthCheck("traffic", () => Traffic(p.GetRequiredService<Ledger>(), p.GetRequiredService<UserMeters>())) { AtOnce = true });
            services.AddSingleton(p => new HealthCheck("reports", () => Reports(p.GetRequiredService<Reporter>())) { AtOnce = true });
        }
        if (settings.Of<TrafficOptions>().Enable && settings.Of<ProxyLogOptions>().Logs.Count > 0)
            services.AddSingleton(p => new HealthCheck("proxy_logs", () => ProxyLogs(p.GetRequiredService<ByteLogs>())) { AtOnce = true });
        if (settings.Of<TlsOptions>().Port != 0)
        {
            services.AddSingleton(p =>
                new HealthCheck("certificate", () => Certificate(p.GetRequiredService<Certificates>(), p.GetRequiredService<TimeProvider>().GetUtcNow())));
        }
        if (settings.Of<OriginOptions>().IsSet)
            services.AddSingleton(p => new HealthCheck("origin", () => Origins(p.GetRequiredService<OriginClient>())) { AtOnce = true });
        if (settings.Of<FolderOptions>().Mode != BackendMode.Filesystem && settings.Of<CacheOptions>().Disk > 0)
            services.AddSingleton(p => new HealthCheck("cache", () => CacheDisk(p.GetRequiredService<DiskCache>())) { AtOnce = true });
        services.AddSingleton<HealthChecks>();
    }
}
