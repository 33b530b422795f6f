using Microsoft.Extensions.DependencyInjection.Extensions;

namespace XLive.Server.Storage;

public static class StorageServices
{
    /// <summary>Needs DataOptions. The database is opened and brought up to date by whoever first asks for it.</summary>
    public static IServiceCollection AddStorage(this IServiceCollection services)
    {
        services.TryAddSingleton<KeyFiles>();
        services.TryAddSingleton(static provider =>
        {
            Sqlite db = Sqlite.Open(provider.GetRequiredService<DataOptions>());
            Migrations.Apply(db);
            return db;
        });
        return services;
    }
}
