using System.Net.Sockets;
using XLive.Server.Access;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Door.Clients;
using XLive.Server.Door.Tls;
using XLive.Server.Hooks;
using XLive.Server.Operations.Api;
using XLive.Server.Operations.Commands;
using XLive.Server.Operations.Health;
using XLive.Server.Operations.Metrics;
using XLive.Server.Operations.WebConsole;
using XLive.Server.Ingest.Ladder;
using XLive.Server.Ingest.Pull;
using XLive.Server.Ingest.Rtmp;
using XLive.Server.Live;
using XLive.Server.Playback.Forward;
using XLive.Server.Playback.FrontCache;
using XLive.Server.Playback.Hls;
using XLive.Server.Playback.HttpFlv;
using XLive.Server.Playback.Rtmp;
using XLive.Server.Playback.Vod;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Playback.Watch;
using XLive.Server.Rtmp;
using XLive.Server.Sending;
using XLive.Server.Sessions;
using XLive.Server.Sessions.Redis;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;
using XLive.Server.Traffic.History;
using XLive.Server.Traffic.Quotas;
using XLive.Server.Traffic.Reports;

namespace XLive.Server;

/// <summary>The table of contents: read the settings, register the parts, map the routes, run.</summary>
public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        Prepare();
        if (CommandTable.IsCommand(args))
            return await CommandTable.RunAsync(args);
        if (ForwardedHeadersSwitch.Fault() is { } refused)
        {
            Console.Error.WriteLine(refused);
            return 2;
        }
        ServerSettings settings;
        try
        {
            settings = ServerSettings.Load(SettingsInput.OfProcess(args));
        }
        catch (SettingsException e)
        {
            foreach (var fault in e.Faults)
                Console.Error.WriteLine(fault);
            return 2;
        }
        return await ServeAsync(settings);
    }

    /// <summary>What the runtime reads once and for the whole process, so it must stand before the first socket.</summary>
    public static void Prepare()
    {
        // Sends and receives go on where the kernel's event is read.
        Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
        AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators", true);
        NativeHeap.LimitArenas();
    }

    private static async Task<int> ServeAsync(ServerSettings settings)
    {
        DataLock dataLock;
        try
        {
            dataLock = DataLock.Take(settings.Of<DataOptions>());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(e is DataInUseException ? e.Message : $"data.dir: {e.Message}");
            return 1;
        }
        using var _ = dataLock;
        if (RestoreCommand.Unfinished(settings.Of<DataOptions>()) is { } unfinished)
        {
            Console.Error.WriteLine(unfinished);
            return 1;
        }
        await Rehearsal.RunAsync(settings, Build);
        using var logs = new LogFiles(settings.Of<LogOptions>, TimeProvider.System, Console.OpenStandardOutput());
        WebApplication built;
        try
        {
            built = Build(settings, logs, TimeProvider.System);
        }
        catch (LedgerFault e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
        await using var app = built;
        var greeting = new Greeting(app.Services, settings);
        await greeting.BeforeAsync();
        if (app.Services.GetRequiredService<Database>() is Sqlite { Away: { IsLasting: true } unusable })
        {
            Console.Error.WriteLine($"data.dir: {unusable.Message}");
            return 1;
        }
        try
        {
            await app.StartAsync();
        }
        catch (SettingsException e)
        {
            foreach (var fault in e.Faults)
                Console.Error.WriteLine(fault);
            return 2;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            Console.Error.WriteLine($"{Listeners.KeyOfTakenPort(settings.Of<DoorOptions>(), settings.Of<TlsOptions>(), settings.RtmpPorts())}: {e.Message}");
            return 3;
        }
        using var signals = new StopSignals(app.Services);
        using var manager = ServiceManager.Of(app.Services);
        greeting.Ready();
        manager.Ready();
        await app.WaitForShutdownAsync();
        return app.Services.GetRequiredService<Lifeline>().Reason is null ? 0 : Lifeline.ExitCode;
    }

    /// <summary>The whole server, not yet listening. Tests call this with settings of their own.</summary>
    public static WebApplication Build(ServerSettings settings, LogFiles logs, TimeProvider clock)
    {
        var builder = WebApplication.CreateSlimBuilder();
        var services = builder.Services;
        services.AddSingleton(settings);
        services.AddSingleton(clock);
        services.AddSingleton<IHostLifetime, QuietLifetime>();
        services.Configure<HostOptions>(o => o.ShutdownTimeout = Drain.PatienceOf(settings.Of<DoorOptions>()));

        builder.AddLogs(logs);
        services.AddStorage();
        services.AddSingleton(settings.Of<DataOptions>());
        services.AddSingleton(settings.Of<DatabaseOptions>());
        services.AddSingleton(settings.Of<AuthOptions>());
        services.AddHooks(settings);
        services.AddReports(settings);
        services.AddTraffic(settings);
        services.AddQuotas(settings);
        services.AddTrafficHistory(settings);
        services.AddSending(settings);
        builder.AddDoor(settings, Descriptors.OfProcess());
        services.AddSessions(settings);
        services.AddRedisSessions(settings);
        services.AddAccounts();
        services.AddAccess();
        services.AddOrigin(settings);
        services.AddLive(settings);
        services.AddHls();
        services.AddHttpFlv();
        services.AddWatch();
        services.AddForward();
        services.AddVod(settings);
        services.AddFrontCache(settings);
        services.AddRtmp(settings);
        services.AddRtmpIngest();
        services.AddRtmpPlayback();
        services.AddPull();
        services.AddLadder();
        services.AddHealth(settings);
        services.AddOperations();
        services.AddOtlp(settings);

        var app = builder.Build();
        app.UseProblems();
        app.UseManagement();
        app.UseApiCors(settings);
        app.UseRouting();
        app.UsePermissions();
        app.MapAccounts();
        app.MapHealth();
        app.MapStats();
        SessionEndpoints.Map(app);
        StreamEndpoints.Map(app);
        LimitEndpoints.Map(app);
        TokenEndpoints.Map(app);
        UserEndpoints.Map(app);
        StreamKeyEndpoints.Map(app);
        SigningKeyEndpoints.Map(app);
        app.MapConsole();
        app.Services.UseHls();
        app.Services.UseVod();
        app.Services.UseFrontCache();
        app.Services.UseRequestLog();
        app.Services.UseLiveAudit();
        app.Services.UseHooks();
        return app;
    }
}
