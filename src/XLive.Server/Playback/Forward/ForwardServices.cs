namespace XLive.Server.Playback.Forward;

public static class ForwardServices
{
    public static void AddForward(this IServiceCollection services)
    {
        services.AddSingleton<Forwards>();
        services.AddHostedService(static p => p.GetRequiredService<Forwards>());
    }
}
