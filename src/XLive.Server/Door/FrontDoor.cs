using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using XLive.Server.Door.Clients;
using XLive.Server.Limits;

namespace XLive.Server.Door;

/// <summary>What answers a media request. Synchronous ends cost nothing, so it returns a ValueTask.</summary>
public delegate ValueTask MediaHandler(Exchange exchange);

/// <summary>
/// The one door: every request of every port comes through here, gets its id and its one parsed path, and goes either to the media
/// path or, when its first segment is reserved, into ASP.NET Core. Every answer leaves a line in the access log here.
/// </summary>
public sealed partial class FrontDoor(
    TrustedProxies proxies, Management management, HttpsRedirect redirect, Drain drain, RequestLimits limits, ConnectionLimits connections, TimeProvider clock, ILogger<FrontDoor> log)
{
    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> Reserved = new HashSet<string>(
    [
        "api", "health", "stats", "streams", "traffic", "metrics", "debug", "monitor", "login", "refresh", "logout", ".well-known",
    ]).GetAlternateLookup<ReadOnlySpan<char>>();

    private const string CheckPath = "/api/v1/check";

    private readonly RunningExchanges _running = new();

    public MediaHandler? Media { get; set; }

    /// <summary>What tells trusted proxies whether they may answer a request themselves. To everybody else it is no address at all.</summary>
    public MediaHandler? Check { get; set; }

    /// <summary>Called after every exchange, with the monotonic time at its end.</summary>
    public Action<Exchange, long>? Completed { get; set; }

    public static bool IsReserved(ReadOnlySpan<char> path)
    {
        var rest = path.Length > 0 ? path[1..] : path;
        var slash = rest.IndexOf('/');
        var first = slash < 0 ? rest : rest[..slash];
        return first.Length == 0 ? slash < 0 : first[0] == '~' || first.Length <= 11 && Reserved.Contains(first);
    }

    internal void Begin(Exchange exchange)
    {
        exchange.Begin(clock.GetTimestamp(), _running.Begin());
        exchange.FindClient(proxies.Networks);
        if (exchange.Connection is not { } connection)
            return;
        connection.Began();
        if (drain.Begun)
            connection.AskToGo(exchange.Now);
    }

    internal ValueTask AnswerAsync(Exchange exchange, out bool api)
    {
        api = false;
        if (limits.IsOn && limits.Take(exchange.Remote) is { } tooMany)
            return TooManyAsync(exchange, tooMany);
        if (MessageFraming.Refuses(exchange, out var unsure) is var status and not 0)
            return RefuseAsync(exchange, status, unsure);
        if (!RequestTarget.TryParse(exchange.RawTarget, out var target, out var fault))
        {
            // "OPTIONS *" asks about the server as a whole (RFC 9110 section 9.3.7).
            if (exchange.RawTarget == "*" && exchange.Method == HttpMethods.Options)
            {
                exchange.Status = StatusCodes.Status204NoContent;
                exchange.Headers.Allow = "GET, HEAD, OPTIONS";
                return default;
            }
            return MediaErrors.WriteAsync(exchange, StatusCodes.Status400BadRequest, fault);
        }
        exchange.Target = target;
        if (redirect.Applies(exchange))
            return redirect.AnswerAsync(exchange);
        if (target.Grant.IsEmpty && IsReserved(target.Path))
        {
            // Not management: it goes by the viewer whom the proxy names, and answers where the proxy comes for media.
            if (Check is not null && exchange.IsShared && target.Path.SequenceEqual(CheckPath))
                return Check(exchange);
            api = true;
            exchange.ReachesManagement = management.AnswersAt(exchange) && management.Admits(exchange.Remote);
            return default;
        }
        if (management.IsOwnPort(exchange))
            return MediaErrors.WriteAsync(exchange, StatusCodes.Status404NotFound, "there is no media at this port");
        return connections.IsOn && exchange.Connection is { } connection && connections.Take(connection.Places, exchange.Remote, exchange.IsShared) is { } tooOpen
            ? TooManyAsync(exchange, tooOpen)
            : Media!(exchange);
    }

    private static ValueTask TooManyAsync(Exchange exchange, in TooMany tooMany)
    {
        exchange.RefusedFor = "too_many";
        // It takes no place, and must not hold the table's.
        if (tooMany.Of != TooManyOf.Requests)
            exchange.Connection?.AskToGo(exchange.Now);
        MediaErrors.WriteHeaders(exchange.Headers, tooMany);
        return MediaErrors.WriteAsync(exchange, StatusCodes.Status429TooManyRequests, tooMany.Words);
    }

    private static ValueTask RefuseAsync(Exchange exchange, int status, string why)
    {
        exchange.RefusedFor = "request_form";
        if (status == MessageFraming.Reset)
        {
            MessageFraming.ResetStream(exchange);
            return default;
        }
        // What follows on this connection may be the body or another request: nobody may guess.
        exchange.Headers.Connection = "close";
        return MediaErrors.WriteAsync(exchange, status, why);
    }

    /// <summary>For an answer that is given outside of an exchange.</summary>
    internal string NextRequestId()
    {
        var id = _running.Begin();
        _running.Ended(id);
        return id.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
    }

    internal async Task FailedAsync(Exchange exchange, Exception e)
    {
        if (exchange.HasStarted || exchange.Aborted.IsCancellationRequested)
        {
            if (e is not (OperationCanceledException or ConnectionAbortedException or ConnectionResetException))
                LogBroken(e, exchange.RequestId);
            exchange.Abort();
            return;
        }
        LogFailed(e, exchange.RequestId);
        exchange.Headers.Clear();
        await MediaErrors.WriteAsync(exchange, StatusCodes.Status500InternalServerError, "the server failed; its log has the reason under this id");
    }

    internal void End(Exchange exchange)
    {
        var now = clock.GetTimestamp();
        exchange.Finish();
        Completed?.Invoke(exchange, now);
        exchange.Connection?.Ended(now, ofViewer: exchange.Viewer is not null);
        _running.Ended(exchange.Id);
    }

    /// <summary>Until the exchanges that run now have ended and who watches has heard of it, or nobody waits any longer.</summary>
    internal async Task RunOutAsync(CancellationToken stop)
    {
        drain.Begin();
        await _running.OutAsync().WaitAsync(stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await drain.HeardAsync().WaitAsync(stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    [LoggerMessage(LogLevel.Error, "request {RequestId} failed")]
    private partial void LogFailed(Exception e, string requestId);

    [LoggerMessage(LogLevel.Warning, "request {RequestId} broke off after its head was sent")]
    private partial void LogBroken(Exception e, string requestId);
}

/// <summary>Kestrel with the door before the application.</summary>
internal sealed class DoorServer(IServer kestrel, FrontDoor door, WaitingBodies bodies) : IServer
{
    public IFeatureCollection Features => kestrel.Features;

    public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken) where TContext : notnull =>
        kestrel.StartAsync(new DoorApplication<TContext>(application, door, bodies), cancellationToken);

    // The ports stay open while what runs now is sent: whoever watches /health/ready sees 503 there and sends viewers elsewhere, and
    // one who comes all the same is served, and told to come on another connection. Kestrel alone would at once close every connection
    // that rests between two segments, under the feet of the next request. What began meanwhile is let out by its own stop.
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await door.RunOutAsync(cancellationToken);
        await kestrel.StopAsync(cancellationToken);
    }

    public void Dispose() => kestrel.Dispose();

    private sealed class DoorApplication<TContext>(IHttpApplication<TContext> api, FrontDoor door, WaitingBodies bodies)
        : IHttpApplication<Exchange> where TContext : notnull
    {
        // Kestrel keeps one container for each connection (HTTP/1.1) and each pooled stream (HTTP/2).
        public Exchange CreateContext(IFeatureCollection features) =>
            features is IHostContextContainer<Exchange> kept ? kept.HostContext ??= new Exchange(features) : new Exchange(features);

        public Task ProcessRequestAsync(Exchange exchange)
        {
            door.Begin(exchange);
            try
            {
                var answer = door.AnswerAsync(exchange, out var isApi);
                if (isApi)
                    return ApiAsync(exchange);
                if (!answer.IsCompletedSuccessfully)
                    return AwaitAsync(exchange, answer);
                door.End(exchange);
                return Task.CompletedTask;
            }
            catch (Exception e)
            {
                return AwaitAsync(exchange, ValueTask.FromException(e));
            }
        }

        private async Task AwaitAsync(Exchange exchange, ValueTask answer)
        {
            try
            {
                await answer;
            }
            catch (Exception e)
            {
                await door.FailedAsync(exchange, e);
            }
            finally
            {
                door.End(exchange);
            }
        }

        private async Task ApiAsync(Exchange exchange)
        {
            // Management may touch the database and hash passwords; the threads that move media are not for that.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            exchange.Features.Set(exchange);
            exchange.Features.GetRequiredFeature<IHttpRequestIdentifierFeature>().TraceIdentifier = exchange.RequestId;
            exchange.Features.GetRequiredFeature<IHttpConnectionFeature>().RemoteIpAddress = exchange.Remote;
            exchange.Features.GetRequiredFeature<IHttpRequestFeature>().Scheme = exchange.IsHttps ? "https" : "http";
            exchange.Headers["X-Request-Id"] = exchange.RequestId;
            CheckedBody? body = null;
            if (exchange.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true })
            {
                var request = exchange.Features.GetRequiredFeature<IHttpRequestFeature>();
                request.Body = body = new CheckedBody(request.Body, exchange.Remote, bodies);
            }
            var context = api.CreateContext(exchange.Features);
            try
            {
                await api.ProcessRequestAsync(context);
                exchange.AnsweredByApi();
                api.DisposeContext(context, null);
            }
            catch (Exception e)
            {
                api.DisposeContext(context, e);
                throw;
            }
            finally
            {
                body?.Dispose();
                door.End(exchange);
            }
        }

        public void DisposeContext(Exchange exchange, Exception? exception) { }
    }
}
