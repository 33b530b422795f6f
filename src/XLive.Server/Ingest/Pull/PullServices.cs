namespace XLive.Server.Ingest.Pull;

public static class PullServices
{
    public static void AddPull(this IServiceCollection services)
    {
        services.AddSingleton<Pulls>();
        services.AddHostedService(static p => p.GetRequiredService<Pulls>());
    }
}
