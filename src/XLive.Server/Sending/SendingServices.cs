using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Sending;

public static class SendingServices
{
    public static void AddSending(this IServiceCollection services, ServerSettings settings) =>
        services.AddSingleton(p => new WritableWaiter(() => settings.Of<NetworkOptions>().SendIdleTimeout, p.GetRequiredService<TimeProvider>(), p.GetRequiredService<Supervisor>()));
}
