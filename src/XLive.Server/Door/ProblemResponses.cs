using System.Globalization;
using Microsoft.AspNetCore.Connections;
using XLive.Server.Storage;

namespace XLive.Server.Door;

/// <summary>
/// Stands around everything that answers. A fault becomes a problem; so does a bare error status, such as routing's own 404 and 405
/// (whose Allow header stays). What the fault was stands in the log under the request's id and nowhere else.
/// </summary>
public sealed class ProblemResponses(RequestDelegate next, ILogger<ProblemResponses> log)
{
    private const int ClientClosedRequest = 499; // nginx's word for it; nobody reads this answer but our own log

    private const string RetryDatabase = "5";
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(10);

    private long _noted;

    public async Task InvokeAsync(HttpContext http)
    {
        try
        {
            await next(http);
            HttpResponse response = http.Response;
            bool bare = !response.HasStarted && response.ContentLength is null && response.ContentType is null;
            if (response.StatusCode >= 400 && bare && response.StatusCode != ClientClosedRequest)
            {
                await Problem.Write(http, response.StatusCode, CodeOf(response.StatusCode), DetailOf(response.StatusCode));
            }
        }
        catch (ProblemException problem)
        {
            if (problem.RetryAfter is { } wait)
            {
                http.Response.Headers.RetryAfter =
                    Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString("F0", CultureInfo.InvariantCulture);
            }
            await Problem.Write(http, problem.Status, problem.ProblemCode, problem.Message);
        }
        catch (DatabaseException fault) when (fault.Fault is not (DatabaseFault.Other or DatabaseFault.Constraint))
        {
            NoteDatabase(fault, http);
            bool full = fault.Fault == DatabaseFault.Full;
            http.Response.Headers.RetryAfter = RetryDatabase;
            await Problem.Write(http, full ? 507 : 503, full ? "no_space" : "database_away", full
                ? "The disk of the database is full."
                : "The database cannot answer now; films play all the same. Health says why.");
        }
        catch (BadHttpRequestException fault)
        {
            // Where the next request would begin nobody knows any more.
            http.Response.Headers.Connection = "close";
            if (fault.StatusCode == StatusCodes.Status503ServiceUnavailable)
                http.Response.Headers.RetryAfter = "1";
            // Not its message: Kestrel quotes the request there.
            await Problem.Write(http, fault.StatusCode, CodeOf(fault.StatusCode), DetailOf(fault.StatusCode));
            if (fault.StatusCode is StatusCodes.Status408RequestTimeout or StatusCodes.Status503ServiceUnavailable)
            {
                // Or Kestrel would wait five seconds more for the rest of it.
                await http.Response.CompleteAsync();
                http.Abort();
            }
        }
        catch (Exception fault) when (fault is ConnectionResetException or ConnectionAbortedException
            || (http.RequestAborted.IsCancellationRequested && fault is OperationCanceledException or IOException))
        {
            // The body broke off, or nobody waits any more. Not a fault of ours.
            if (!http.Response.HasStarted)
            {
                http.Response.StatusCode = fault is OperationCanceledException ? ClientClosedRequest : 400;
            }
        }
        catch (Exception fault)
        {
            log.LogError(fault, "Request {RequestId} failed: {Method} {Path}", http.TraceIdentifier, http.Request.Method, http.Request.Path.Value);
            await Problem.Write(http, 500, CodeOf(500), DetailOf(500));
        }
    }

    // One line now and then: whoever asks again and again must not fill the log of a server whose disk may be the one that is full.
    private void NoteDatabase(DatabaseException fault, HttpContext http)
    {
        long last = Volatile.Read(ref _noted);
        long now = Environment.TickCount64;
        if ((last == 0 || now - last > s_quiet.TotalMilliseconds) && Interlocked.CompareExchange(ref _noted, now, last) == last)
        {
            log.LogWarning("Request {RequestId} met a database that cannot answer: {Why}", http.TraceIdentifier, fault.Message);
        }
    }

    private static string CodeOf(int status) => status switch
    {
        400 => "bad_request", 401 => "unauthorized", 403 => "forbidden", 404 => "not_found", 405 => "method_not_allowed",
        408 => "timeout", 411 => "length_required", 413 => "too_large", 414 => "uri_too_long", 415 => "unsupported_media_type",
        429 => "too_many", 431 => "headers_too_large", 500 => "internal", 502 => "bad_gateway", 503 => "unavailable",
        504 => "gateway_timeout", _ => "error",
    };

    private static string DetailOf(int status) => status switch
    {
        400 => "The request is not well formed.",
        401 => "This needs a sign-in.",
        403 => "The sign-in does not cover this.",
        404 => "There is nothing at this address.",
        405 => "The address is right and the method is not; see Allow.",
        408 => "The request came too slowly.",
        413 => "The body is longer than this address takes.",
        500 => "A fault of the server. Its log has the details under this request_id.",
        503 => "Not able to answer now.",
        _ => "See the status.",
    };
}

public static class ProblemResponsesBuilder
{
    /// <summary>As far out as can be: what stands before it answers in forms of its own.</summary>
    public static IApplicationBuilder UseProblems(this IApplicationBuilder app) => app.UseMiddleware<ProblemResponses>();
}
