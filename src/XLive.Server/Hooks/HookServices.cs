using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Telemetry;

namespace XLive.Server.Hooks;

public static class HookServices
{
    /// <summary>Needs DataOptions. Before what tells of anything: what is started last stops first, so its last events are written down.</summary>
    public static void AddHooks(this IServiceCollection services, ServerSettings settings)
    {
        services.AddSingleton<HookEndpoint>();
        services.AddSingleton(p => new HookPost(p.GetRequiredService<TimeProvider>(), p.GetRequiredService<HookEndpoint>()));
        services.AddSingleton(p => new HookEvents(settings.Of<HookOptions>, () => settings.Of<LogOptions>().Address, p.GetRequiredService<TimeProvider>()));
        services.AddSingleton(p => new HookSender(p.GetRequiredService<HookEvents>(), p.GetRequiredService<HookEndpoint>(), p.GetRequiredService<HookPost>(),
            settings.Of<HookOptions>, p.GetRequiredService<DataOptions>().MakeDir, p.GetRequiredService<Supervisor>(), p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<HookSender>>()));
        services.AddSingleton(p =>
        {
            var questions = new HookQuestions(p.GetRequiredService<HookPost>(), p.GetRequiredService<HookEndpoint>(), settings.Of<HookOptions>,
                () => settings.Of<LogOptions>().Address, p.GetRequiredService<TimeProvider>());
            settings.Changed += changed =>
            {
                if (changed.Any(static k => k.StartsWith("hooks.", StringComparison.Ordinal)))
                    questions.Forget();
            };
            return questions;
        });
        services.AddHostedService(static p => p.GetRequiredService<HookSender>());
    }
}
