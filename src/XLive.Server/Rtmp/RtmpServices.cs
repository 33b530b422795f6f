using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Door;
using XLive.Server.Door.Tls;
using XLive.Server.Sending;
using XLive.Server.Settings;

namespace XLive.Server.Rtmp;

public static class RtmpServices
{
    public static void AddRtmp(this IServiceCollection services, ServerSettings settings)
    {
        services.AddSingleton<RelayPath>();
        services.AddSingleton<RtmpConnections>();
        services.AddOptions<KestrelServerOptions>().Configure<WritableWaiter, OpenConnections, Certificates, RtmpConnections>((kestrel, waiter, connections, certificates, rtmp) =>
        {
            var options = settings.Of<RtmpOptions>();
            var door = settings.Of<DoorOptions>();
            foreach (var (key, port) in options.Ports)
            {
                var isTls = key == RtmpOptions.TlsKey;
                if (isTls)
                    certificates.Load();
                Listeners.Listen(kestrel, door, port, isTls, waiter, connections, certificates, rtmp.ServeAsync);
            }
        });
    }

    /// <summary>Its ports, for whoever must say which cannot be had.</summary>
    public static IEnumerable<(string Key, int Port)> RtmpPorts(this ServerSettings settings) => settings.Of<RtmpOptions>().Ports;
}
