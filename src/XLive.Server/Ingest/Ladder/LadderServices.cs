namespace XLive.Server.Ingest.Ladder;

public static class LadderServices
{
    public static void AddLadder(this IServiceCollection services)
    {
        services.AddSingleton<Ladders>();
        services.AddHostedService(static p => p.GetRequiredService<Ladders>());
    }
}
