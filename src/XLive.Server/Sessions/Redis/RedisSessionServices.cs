using System.Text;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Limits;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Storage.Redis;
using XLive.Server.Telemetry;

namespace XLive.Server.Sessions.Redis;

public static class RedisSessionServices
{
    /// <summary>Where Redis is set, its store takes the place of the node's own, which it keeps beside itself.</summary>
    public static void AddRedisSessions(this IServiceCollection services, ServerSettings settings)
    {
        if (settings.Of<RedisOptions>().Target is not { } target)
            return;
        services.AddSingleton(p => new RedisClient(target, p.GetRequiredService<Supervisor>(), p.GetRequiredService<TimeProvider>()));
        services.AddSingleton(p =>
        {
            // Made with data.dir: after a restart it is the same node.
            var name = p.GetRequiredService<KeyFiles>().ReadOrCreate("redis-node", () => KeyFiles.RandomText()[..16]);
            var (client, supervisor, clock) = (p.GetRequiredService<RedisClient>(), p.GetRequiredService<Supervisor>(), p.GetRequiredService<TimeProvider>());
            return new RedisSessionStore(
                ActivatorUtilities.CreateInstance<EmbeddedSessionStore>(p), client, new RedisWatch(client, name, clock, p.GetRequiredService<ILogger<RedisWatch>>()),
                new RedisService(settings.Of<ServiceKeyOptions>().Secret, settings.Of<DatabaseOptions>().Url), name, supervisor, clock);
        });
        services.AddSingleton(p => new SharedLimits(p.GetRequiredService<RedisClient>(), p.GetRequiredService<RateLimiters>(),
            Encoding.UTF8.GetBytes(settings.Of<ServiceKeyOptions>().Secret), p.GetRequiredService<Supervisor>(), p.GetRequiredService<TimeProvider>()));
        services.AddHostedService(p => p.GetRequiredService<SharedLimits>());
        services.AddSingleton<ISessionStore>(p => p.GetRequiredService<RedisSessionStore>());
    }
}
