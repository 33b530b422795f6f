using XLive.Server.Door;
using XLive.Server.Operations.Health;
using XLive.Server.Live;
using XLive.Server.Playback.Rtmp;
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
        services.AddSingleton<StreamEndpoints>();
        services.AddSingleton<LimitEndpoints>();
        services.AddSingleton<TokenEndpoints>();
        services.AddSingleton<UserEndpoints>();
        services.AddSingleton<StreamKeyEndpoints>();
        services.AddSingleton<SigningKeyEndpoints>();
        services.AddHostedService<SettingsWatch>();
    }

    /// <summary>What the door has seen goes into the counters and the access log.</summary>
    public static void UseRequestLog(this IServiceProvider services)
    {
        var log = services.GetRequiredService<AccessLog>();
        var files = services.GetRequiredService<LogFiles>();
        var stats = services.GetRequiredService<RequestStats>();
        var clock = services.GetRequiredService<TimeProvider>();
        void Ended(IMediaRequest request, string method, string target, int status, string refusedFor, long bytes, string? id, long ended)
        {
            // A device counts from its last byte on, not from the request that asked for it.
            if (request.Viewer is Session session)
                session.RequestEnded(ended);
            var microseconds = (long)clock.GetElapsedTime(request.Now, ended).TotalMicroseconds;
            stats.Count(status, microseconds, refusedFor, KindOf(request));
            if (files.Options.Level > LogDepth.Info)
                return;
            var headers = request.RequestHeaders;
            log.Write(new AccessEntry
            {
                Time = clock.GetUtcNow(),
                Client = request.Remote,
                Method = method,
                Path = target,
                Status = status,
                Bytes = bytes,
                Microseconds = microseconds,
                Uid = request.Uid,
                Sid = request.Sid,
                RequestId = id,
                UserAgent = headers.UserAgent.Count == 0 ? null : headers.UserAgent.ToString(),
                Referer = headers.Referer.Count == 0 ? null : headers.Referer.ToString(),
            });
        }
        services.GetRequiredService<FrontDoor>().Completed = (exchange, ended) =>
            Ended(exchange, exchange.Method, exchange.RawTarget, exchange.LoggedStatus, exchange.RefusedFor, exchange.BodyBytes, exchange.RequestId, ended);
        services.GetRequiredService<RtmpPlayers>().Completed = (play, ended) => Ended(play, "PLAY", play.Target.Raw, play.Status, play.RefusedFor, play.BodyBytes, null, ended);
        services.GetRequiredService<Refusals>().Noted = refusal =>
        {
            stats.CountRefused(refusal.Reason);
            if (refusal.Status == 0)
                return;
            stats.Count(refusal.Status, 0, "", RequestKind.Other);
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

    private static RequestKind KindOf(IMediaRequest request)
    {
        var path = request.Target.Path;
        if (path.IsEmpty)
            return RequestKind.Other;
        if (request is not Exchange { IsWebSocket: false } || path.EndsWith(".flv", StringComparison.OrdinalIgnoreCase))
            return RequestKind.Stream;
        return FrontDoor.IsReserved(path) ? RequestKind.Api : path.EndsWith(".m3u8", StringComparison.OrdinalIgnoreCase) ? RequestKind.Playlist : RequestKind.Media;
    }

    /// <summary>Who publishes, and until when, is what an operator asks after.</summary>
    public static void UseLiveAudit(this IServiceProvider services)
    {
        var audit = services.GetRequiredService<AuditLog>();
        services.GetRequiredService<LiveStreams>().Happened = e =>
        {
            // Refusals have their line: with the code that the encoder is told.
            var what = e.Kind switch
            {
                LiveEventKind.Published => $"publishes {e.Stream} over {e.Publisher!.Protocol}",
                LiveEventKind.Left => $"publishes {e.Stream} no more: {e.Why}",
                LiveEventKind.Ended when e.Publisher is null => $"stream {e.Stream} ended: its publisher did not come back",
                _ => null,
            };
            if (what is not null)
                audit.Event(e.Publisher?.Key ?? "", what, e.Publisher?.Address);
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
