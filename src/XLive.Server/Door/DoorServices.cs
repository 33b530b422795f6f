using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using XLive.Server.Door.Clients;
using XLive.Server.Door.Tls;
using XLive.Server.Limits;
using XLive.Server.Sending;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Door;

public static class DoorServices
{
    public static void AddDoor(this WebApplicationBuilder builder, ServerSettings settings, Descriptors descriptors)
    {
        var door = settings.Of<DoorOptions>();
        var services = builder.Services;
        services.AddSingleton<RateLimiters>();
        services.AddSingleton<RequestLimits>();
        services.AddSingleton<ConnectionLimits>();
        services.AddSingleton<ByteLimits>();
        services.AddSingleton<FrontDoor>();
        services.AddSingleton<TrustedProxies>();
        services.AddSingleton<Management>();
        services.AddSingleton<HttpsRedirect>();
        services.AddSingleton(p => new ProxyProtocol(
            p.GetRequiredService<TrustedProxies>(), door, p.GetRequiredService<AuditLog>(), p.GetRequiredService<TimeProvider>()));
        services.AddSingleton(p => new WaitingBodies(door.HeaderTimeout, p.GetRequiredService<TimeProvider>()));
        services.AddSingleton<Refusals>();
        services.AddSingleton(p => new Drain(door, p.GetRequiredService<TimeProvider>()));
        services.AddSingleton(descriptors);
        services.AddSingleton<ConnectionCount>();
        services.AddSingleton<SpareDescriptors>();
        services.AddSingleton<Lifeline>();
        services.AddSingleton(p =>
        {
            var overload = new Overload(MemoryGroup.OfProcess(), p.GetRequiredService<WritableWaiter>(), p.GetRequiredService<TimeProvider>(),
                p.GetRequiredService<ILogger<Overload>>());
            overload.Start(p.GetRequiredService<Supervisor>());
            return overload;
        });
        services.RemoveAll<IConnectionListenerFactory>();
        services.AddSingleton(p => ActivatorUtilities.CreateInstance<PortListeners>(p, door));
        services.AddSingleton<IConnectionListenerFactory>(p => p.GetRequiredService<PortListeners>());
        services.AddSingleton(p => new OpenConnections(door, descriptors, p.GetRequiredService<ConnectionCount>(), p.GetRequiredService<ConnectionLimits>(),
            p.GetRequiredService<TimeProvider>(), p.GetRequiredService<Supervisor>()));
        services.AddSingleton<Certificates>();
        services.AddHostedService(p => p.GetRequiredService<Certificates>());
        services.AddOptions<SocketTransportOptions>().Configure<WritableWaiter, ILogger<FrontDoor>>((sockets, waiter, log) =>
            Listeners.Configure(sockets, settings.Of<NetworkOptions>(), waiter, log));
        services.AddOptions<KestrelServerOptions>().Configure<WritableWaiter, OpenConnections, Certificates>((kestrel, waiter, connections, certificates) =>
        {
            var tls = settings.Of<TlsOptions>();
            if (tls.Port != 0)
                certificates.Load();
            Listeners.Configure(kestrel, door, tls, waiter, connections, certificates);
        });
        // The door stands before whatever Kestrel would call.
        var kestrel = services.Last(s => s.ServiceType == typeof(IServer));
        services.Remove(kestrel);
        services.AddSingleton<IServer>(p =>
            new DoorServer((IServer)ActivatorUtilities.CreateInstance(p, kestrel.ImplementationType!, p.GetRequiredService<Refusals>()), p.GetRequiredService<FrontDoor>(),
                p.GetRequiredService<WaitingBodies>()));
    }
}
