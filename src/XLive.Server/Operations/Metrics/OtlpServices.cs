using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XLive.Server.Door;
using XLive.Server.Settings;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;

namespace XLive.Server.Operations.Metrics;

public static class OtlpServices
{
    /// <summary>After all that is counted: what is started last stops first, and the last figures are there to be read.</summary>
    public static void AddOtlp(this IServiceCollection services, ServerSettings settings)
    {
        services.AddSingleton(p =>
        {
            // The node as the traffic reports name it, which is the same after a restart.
            var instance = p.GetService<Ledger>()?.Node ?? $"{Environment.MachineName}:{settings.Of<DoorOptions>().Port}";
            var sender = new OtlpSender(settings.Of<OtlpOptions>, metrics => AllMetrics.Write(metrics, p),
                typeof(OtlpServices).Assembly.GetName().Version!.ToString(3), instance, p.GetRequiredService<Supervisor>(), p.GetRequiredService<TimeProvider>(),
                p.GetRequiredService<ILogger<OtlpSender>>());
            settings.Changed += changed =>
            {
                if (changed.Any(static k => k.StartsWith("telemetry.", StringComparison.Ordinal)))
                    sender.Wake();
            };
            return sender;
        });
        services.AddHostedService(static p => p.GetRequiredService<OtlpSender>());
    }
}
