using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Storage.Redis;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;

namespace XLive.Server.Sessions;

public static class SessionServices
{
    public static void AddSessions(this IServiceCollection services, ServerSettings settings)
    {
        // Nodes that share server.secret accept each other's sessions; one alone makes its own.
        byte[] ServiceKey(IServiceProvider p) => settings.Of<ServiceKeyOptions>().Secret is { Length: > 0 } shared
            ? System.Text.Encoding.UTF8.GetBytes(shared)
            : p.GetRequiredService<KeyFiles>().ReadOrCreateBytes("service");
        services.AddSingleton(p => new SessionGrants(ServiceKey(p)));
        services.AddSingleton(p => new SessionTickets(ServiceKey(p)));
        services.AddSingleton<Revocations>();
        services.AddSingleton<ISessionStore, EmbeddedSessionStore>();
        services.AddSingleton(p => new SessionTable(p.GetRequiredService<SessionGrants>(), p.GetRequiredService<UserMeters>(), settings.Of<SessionOptions>,
            p.GetRequiredService<TimeProvider>(), p.GetRequiredService<Revocations>(), p.GetRequiredService<ISessionStore>())
        {
            Privacy = () => settings.Of<LogOptions>().Address,
        });
        services.AddSingleton(p => new SessionKeeper(p.GetRequiredService<SessionTable>(), p.GetRequiredService<ISessionStore>(), settings.Of<SessionOptions>,
            p.GetRequiredService<Supervisor>(), p.GetRequiredService<TimeProvider>()));
        services.AddSingleton<SessionListing>();
        services.AddHostedService(p => p.GetRequiredService<SessionKeeper>());
    }
}

public sealed class ServiceKeyOptions : ICheckedOptions, ICheckedTogether
{
    [Setting("server.secret", "shared by all nodes of one service, at least 16 bytes; one alone makes its own in data/keys", Secret = true, NeedsRestart = true)]
    public string Secret { get; set; } = "";

    public void Check(Action<string, string> fault)
    {
        if (Secret.Length is > 0 and < 16)
            fault("server.secret", "needs at least 16 characters");
    }

    public void CheckWith(IReadOnlyDictionary<Type, object> others, Action<string, string> fault)
    {
        // A node that makes its own would refuse every session of the others.
        if (Secret.Length == 0 && others.GetValueOrDefault(typeof(RedisOptions)) is RedisOptions { Target: not null })
            fault("server.secret", "nodes that share Redis need the same one; redis.url or redis.host is set");
    }
}
