using System.Globalization;
using Microsoft.AspNetCore.Http;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Playback.Http;
using XLive.Server.Sending;
using XLive.Server.Sessions;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.FrontCache;

/// <summary>
/// GET /api/v1/check: may the viewer have what he asks a proxy for? The gate's own answer, and with a yes what the proxy needs to give it out
/// of its cache and to count it (docs/proxy-cache.md). Only trusted proxies get here.
/// </summary>
internal sealed class CheckAnswers(PlaybackGate gate, SessionTickets tickets, AuditLog audit, bool hasOrigin)
{
    private long _granted;
    private long _refused;

    public long Granted => Volatile.Read(ref _granted);

    public long Refused => Volatile.Read(ref _refused);

    public ValueTask AnswerAsync(Exchange exchange)
    {
        if (exchange.Method != HttpMethods.Get && !exchange.IsHead)
        {
            exchange.Headers.Allow = "GET, HEAD";
            return WriteAsync(exchange, StatusCodes.Status405MethodNotAllowed, "method_not_allowed", "a check is asked for with GET");
        }
        var headers = exchange.RequestHeaders;
        // Without a name the viewer would be the proxy itself, whom access.trusted lets have everything.
        if (exchange.IsPeers)
            return RefuseAsync(exchange, StatusCodes.Status400BadRequest, "no_client", "X-Forwarded-For must name the viewer");
        if (headers["X-Original-URI"] is not { Count: 1 } original || headers["X-Original-Method"] is not { Count: <= 1 } method)
            return WriteAsync(exchange, StatusCodes.Status400BadRequest, "no_original", "X-Original-URI must be there once, X-Original-Method at most once");
        if (!RequestTarget.TryParse(original[0] ?? "", out var target, out var fault))
            return RefuseAsync(exchange, StatusCodes.Status400BadRequest, "request_form", fault);
        var isHead = method.Count == 1 && method[0] == HttpMethods.Head;
        if (method.Count == 1 && !isHead && method[0] != HttpMethods.Get)
            return RefuseAsync(exchange, StatusCodes.Status405MethodNotAllowed, "method_not_allowed", "media is read with GET or HEAD");
        // The proxy asks for it as itself, and what is not media would take it for an operator on this machine.
        if (FrontDoor.IsReserved(target.Path) || MediaKind.IsHidden(target.Path))
            return RefuseAsync(exchange, StatusCodes.Status404NotFound, "not_found", "no such file");
        var request = new CheckedRequest(exchange, target, isHead);
        var admission = gate.Admit(request);
        return admission.Pending is { } pending ? AwaitAsync(exchange, request, pending) : JudgeAsync(exchange, request, admission);
    }

    private async ValueTask AwaitAsync(Exchange exchange, CheckedRequest request, Task<Admission> pending) => await JudgeAsync(exchange, request, await pending);

    private ValueTask JudgeAsync(Exchange exchange, CheckedRequest request, in Admission admission)
    {
        if (!admission.Granted)
        {
            if (admission.Status is not (StatusCodes.Status404NotFound or StatusCodes.Status503ServiceUnavailable))
                audit.Refused(admission.Reason, admission.Kid, exchange.Remote, request.Target.Raw);
            return RefuseAsync(exchange, admission.Status, admission.Reason, admission.Reason);
        }
        if (SharedTarget.Of(request.Target, gate.Rules.Grants.LiveApps, hasOrigin) is not { } path)
            return RefuseAsync(exchange, StatusCodes.Status400BadRequest, "request_form", "the query is too long or has a character that must be escaped");
        Interlocked.Increment(ref _granted);
        exchange.Status = StatusCodes.Status204NoContent;
        var headers = exchange.Headers;
        headers.CacheControl = "no-store";
        headers["X-XLive-Path"] = path;
        if (admission.Session is not { } session)
            return default;
        admission.Meter.StayOpen();
        headers["X-XLive-Session"] = session.Sid;
        headers["X-XLive-Ticket"] = session.Ticket(tickets);
        if (request.LowestRate(admission.Meter) is var rate and > 0)
            headers["X-XLive-Rate"] = rate.ToString(CultureInfo.InvariantCulture);
        return default;
    }

    /// <summary>Of refusals auth_request passes on these two alone: what else it is stands in a header.</summary>
    private ValueTask RefuseAsync(Exchange exchange, int status, string reason, string detail)
    {
        Interlocked.Increment(ref _refused);
        exchange.RefusedFor = reason;
        exchange.Headers["X-XLive-Status"] = status.ToString(CultureInfo.InvariantCulture);
        exchange.Headers["X-XLive-Reason"] = reason;
        if (status != StatusCodes.Status401Unauthorized)
            return WriteAsync(exchange, StatusCodes.Status403Forbidden, reason, detail);
        exchange.Headers.WWWAuthenticate = "Bearer realm=\"xlive\"";
        return WriteAsync(exchange, status, reason, detail);
    }

    private static ValueTask WriteAsync(Exchange exchange, int status, string code, string detail)
    {
        exchange.Status = status;
        exchange.Headers.CacheControl = "no-store";
        exchange.Headers.ContentType = "application/problem+json";
        exchange.Headers["X-Request-Id"] = exchange.RequestId;
        return exchange.SendAsync(Body.Of(Problem.Body(status, code, detail, exchange.RequestId)), null);
    }
}
