using XLive.Server.Door;
using XLive.Server.Operations.Health;
using XLive.Server.Sessions;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Api;

public static class OperationsServices
{
    public static void AddOperations(this IServiceCollection services)
    {
        services.AddSingleton<RequestStats>();
        services.AddSingleton<TrafficEndpoints>();
        services.AddSingleton<SessionEndpoints>();
        services.AddHostedService<SettingsWatch>();
    }

    /// <summary>What the door has seen goes into the counters and the access log.</summary>
    public static void UseRequestLog(this IServiceProvider services)
    {
        var log = services.GetRequiredService<AccessLog>();
        var files = services.GetRequiredService<LogFiles>();
        var stats = services.GetRequiredService<RequestStats>();
        var clock = services.GetRequiredService<TimeProvider>();
        services.GetRequiredService<FrontDoor>().Completed = (exchange, ended) =>
        {
            // A device counts from its last byte on, not from the request that asked for it.
            if (exchange.Viewer is Session session)
                session.RequestEnded(ended);
            var microseconds = (long)clock.GetElapsedTime(exchange.Now, ended).TotalMicroseconds;
            var status = exchange.LoggedStatus;
            stats.Count(status, microseconds, exchange.RefusedFor);
            if (files.Options.Level > LogDepth.Info)
                return;
            var headers = exchange.RequestHeaders;
            log.Write(new AccessEntry
            {
                Time = clock.GetUtcNow(),
                Client = exchange.Remote,
                Method = exchange.Method,
                Path = exchange.RawTarget,
                Status = status,
                Bytes = exchange.BodyBytes,
                Microseconds = microseconds,
                Uid = exchange.Uid,
                Sid = exchange.Sid,
                RequestId = exchange.RequestId,
                UserAgent = headers.UserAgent.Count == 0 ? null : headers.UserAgent.ToString(),
                Referer = headers.Referer.Count == 0 ? null : headers.Referer.ToString(),
            });
        };
        services.GetRequiredService<Refusals>().Noted = refusal =>
        {
            stats.CountRefused(refusal.Reason);
            if (refusal.Status == 0)
                return;
            stats.Count(refusal.Status, 0, "");
            if (files.Options.Level > LogDepth.Info)
                return;
            log.Write(new AccessEntry
            {
                Time = clock.GetUtcNow(),
                Client = refusal.Remote is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : refusal.Remote,
                Method = refusal.Method,
                Path = refusal.Target,
                Status = refusal.Status,
                Bytes = refusal.Bytes,
                RequestId = refusal.RequestId,
                UserAgent = refusal.UserAgent,
                Referer = refusal.Referer,
            });
        };
    }

    /// <summary>The API answers pages of the origins in cors.origins, and no others; media has its own answer.</summary>
    public static void UseApiCors(this IApplicationBuilder app, ServerSettings settings) => app.Use((http, next) =>
    {
        var origin = http.Request.Headers.Origin.ToString();
        if (origin.Length == 0 || !settings.Of<DoorOptions>().CorsOrigins.Contains(origin))
            return next(http);
        var headers = http.Response.Headers;
        headers.AccessControlAllowOrigin = origin;
        headers.Vary = "Origin";
        headers.AccessControlExposeHeaders = "X-Request-Id, Retry-After, ETag";
        if (!HttpMethods.IsOptions(http.Request.Method) || !http.Request.Headers.ContainsKey("Access-Control-Request-Method"))
            return next(http);
        headers.AccessControlAllowMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
        headers.AccessControlAllowHeaders = "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key";
        headers.AccessControlMaxAge = "600";
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    });
}

/// <summary>Follows the settings' file while the server runs, starts the health checks, and says what became of a change.</summary>
internal sealed partial class SettingsWatch(ServerSettings settings, HealthChecks health, Supervisor supervisor, TimeProvider clock, ILogger<SettingsWatch> log) : BackgroundService
{
    // Before the watch begins, so that its first change already has its words.
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        health.Start();
        settings.Changed += changed => LogChanged(string.Join(", ", changed.Order(StringComparer.Ordinal)));
        settings.ReloadRefused += faults =>
        {
            foreach (var fault in faults)
                LogRefused(fault.ToString());
        };
        settings.SubscriberFailed += e => LogSubscriber(e);
        return base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => 
        supervisor.RunAsync("settings", loop => settings.Watch(clock, stoppingToken, loop.Beat, loop.Rest), stoppingToken);

    [LoggerMessage(LogLevel.Information, "settings changed: {Keys}")]
    private partial void LogChanged(string keys);

    [LoggerMessage(LogLevel.Error, "the changed settings are refused, the old ones stay: {Fault}")]
    private partial void LogRefused(string fault);

    [LoggerMessage(LogLevel.Error, "a part of the server could not take the changed settings")]
    private partial void LogSubscriber(Exception e);
}
