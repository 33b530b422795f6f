using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using XLive.Server.Door;
using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Sending;
using XLive.Server.Traffic;
using Microsoft.Extensions.Logging;

namespace XLive.Server;

public static class Program
{
    public static void Main(string[] args)
    {
        if (Environment.GetEnvironmentVariable("INLINE") == "1") Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (args.Length > 1) builder.Logging.AddConsole();
        var waiter = new WritableWaiter(() => TimeSpan.FromSeconds(60), TimeProvider.System);
        var doorOptions = new DoorOptions { HlsPort = 0, Port = int.Parse(Environment.GetEnvironmentVariable("PORT") ?? "7889") };
        builder.WebHost.ConfigureKestrel(k => Listeners.Configure(k, doorOptions, 19000, waiter));
        builder.Services.Configure<SocketTransportOptions>(s => Listeners.Configure(s, new NetworkOptions()));
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<FrontDoor>();
        var d = builder.Services.Last(x => x.ServiceType == typeof(IServer));
        builder.Services.Remove(d);
        builder.Services.AddSingleton<IServer>(sp => new DoorServer((IServer)ActivatorUtilities.CreateInstance(sp, d.ImplementationType!), sp.GetRequiredService<FrontDoor>()));
        var app = builder.Build();
        var source = new FolderSource(new FolderOptions { Root = args[0] }, [], 4096, TimeProvider.System, app.Services.GetRequiredService<ILogger<FolderSource>>());
        var h = new FolderHandler(source);
        var meter = new Meter();
        app.Services.GetRequiredService<FrontDoor>().Media = x => h.AnswerAsync(x, meter);
        app.Run();
    }
}
