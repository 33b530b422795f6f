using Microsoft.Extensions.DependencyInjection.Extensions;
using XLive.Server.Telemetry;

namespace XLive.Server.Storage;

public static partial class StorageServices
{
    /// <summary>
    /// Needs DataOptions; DatabaseOptions for another database than the data directory's own. It is opened and brought up to date by
    /// whoever first asks for it; if that fails it is there all the same, away, and where there is a supervisor it joins by itself.
    /// </summary>
    public static IServiceCollection AddStorage(this IServiceCollection services)
    {
        services.TryAddSingleton<KeyFiles>();
        services.TryAddSingleton(static provider =>
        {
            string url = provider.GetService<DatabaseOptions>()?.Url ?? "";
            Database db = url.Length > 0 ? new Postgres(PostgresUrl.Parse(url)) : Sqlite.Of(provider.GetRequiredService<DataOptions>());
            ILogger log = provider.GetRequiredService<ILogger<Database>>();
            db.TryJoin();
            db.Turned = why =>
            {
                if (why is null)
                {
                    LogBack(log, db.Kind);
                }
                else
                {
                    LogAway(log, why.Message);
                }
            };
            if (provider.GetService<Supervisor>() is { } supervisor)
            {
                db.Watch(supervisor);
            }
            return db;
        });
        return services;
    }

    [LoggerMessage(LogLevel.Warning, "the database is away, playback goes on without: {Why}")]
    private static partial void LogAway(ILogger log, string why);

    [LoggerMessage(LogLevel.Information, "the database is back: {Kind}")]
    private static partial void LogBack(ILogger log, string kind);
}
