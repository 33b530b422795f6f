using System.Text.Json;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Hooks;
using XLive.Server.Operations.Metrics;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Api;

/// <summary>Events that the site has not taken: listed, and those that were given up posted again or forgotten.</summary>
internal static class HookEndpoints
{
    private const int MostListed = 1000;

    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var services = routes.ServiceProvider;
        var sender = services.GetRequiredService<HookSender>();
        var audit = services.GetRequiredService<AuditLog>();
        var addressOf = services.GetRequiredService<AddressOf>();
        routes.MapMethods("/api/v1/hooks", GetAndHead, http =>
        {
            var after = Number(http.Request, "after", long.MaxValue) ?? 0;
            var limit = (int)(Number(http.Request, "limit", MostListed) ?? 100);
            return ApiJson.WriteAsync(http, json => List(json, sender.Spool, limit, after));
        }).Requires(Permission.Monitor);
        routes.MapMethods("/api/v1/hooks/{id}", GetAndHead, async http =>
        {
            var body = sender.Spool?.BodyOf(Id(http)) ?? throw NoSuch();
            http.Response.ContentType = "application/json";
            http.Response.Headers.CacheControl = "no-store";
            http.Response.ContentLength = body.Length;
            if (!HttpMethods.IsHead(http.Request.Method))
                await http.Response.Body.WriteAsync(body, http.RequestAborted);
        }).Requires(Permission.Monitor);
        routes.MapPost("/api/v1/hooks/{id}/replay", http =>
        {
            if (sender.Spool?.Replay(Id(http)) != true)
                throw NoSuch();
            audit.Event(AccountFields.Who(http), "replays event " + Id(http), addressOf(http));
            http.Response.StatusCode = StatusCodes.Status202Accepted;
            return Task.CompletedTask;
        }).Requires(Permission.Admin);
        routes.MapDelete("/api/v1/hooks/{id}", http =>
        {
            if (sender.Spool?.Drop(Id(http)) != true)
                throw NoSuch();
            audit.Event(AccountFields.Who(http), "drops event " + Id(http), addressOf(http));
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        }).Requires(Permission.Admin);
    }

    public static void WriteStats(Utf8JsonWriter json, IServiceProvider services)
    {
        var events = services.GetRequiredService<HookEvents>();
        var sender = services.GetRequiredService<HookSender>();
        var questions = services.GetRequiredService<HookQuestions>();
        var endpoint = services.GetRequiredService<HookEndpoint>();
        var depth = HookMetrics.Depth(sender) ?? new HookDepth(0, 0, 0, null);
        json.WriteStartObject("hooks");
        json.WriteString("receiver", sender.Receiver);
        json.WriteBoolean("silent", endpoint.IsSilent);
        json.WriteString("trouble", sender.Fault ?? endpoint.Trouble ?? "");
        json.WriteStartObject("events");
        foreach (var kind in HookKinds.All)
            json.WriteNumber(kind.Word, events.Count(kind));
        json.WriteEndObject();
        json.WriteNumber("delivered", sender.Delivered);
        json.WriteNumber("attempts_failed", sender.FailedAttempts);
        json.WriteNumber("given_up", sender.GivenUp);
        json.WriteNumber("dropped", events.Dropped + sender.Dropped);
        json.WriteNumber("in_memory", events.InMemory);
        json.WriteNumber("in_memory_most", HookEvents.MostInMemory);
        json.WriteNumber("waiting", depth.Waiting);
        json.WriteNumber("dead", depth.Dead);
        json.WriteNumber("spool_events_most", HookSpool.MostEvents);
        json.WriteNumber("spool_bytes", depth.Bytes);
        json.WriteNumber("spool_bytes_most", HookSpool.MostBytes);
        json.WriteNumber("oldest_age_seconds", depth.Oldest is { } oldest ? Math.Max(0, (long)(events.Clock.GetUtcNow() - oldest).TotalSeconds) : 0);
        json.WriteStartObject("questions");
        foreach (var outcome in Enum.GetValues<HookOutcome>())
            json.WriteNumber(outcome.ToString().ToLowerInvariant(), questions.Count(outcome));
        json.WriteNumber("now", questions.Asked);
        json.WriteNumber("most", HookQuestions.MostAsked);
        json.WriteEndObject();
        json.WriteNumber("answers_kept", questions.Kept);
        json.WriteNumber("answers_most", questions.KeptMost);
        json.WriteEndObject();
    }

    private static string Id(HttpContext http) => (string)http.Request.RouteValues["id"]!;

    private static ProblemException NoSuch() => new(StatusCodes.Status404NotFound, "no_such_event", "no event of that id lies in the spool, or it was not given up");

    private static long? Number(HttpRequest request, string name, long most)
    {
        if (!request.Query.TryGetValue(name, out var text))
            return null;
        return text.Count == 1 && WholeNumber.TryRead(text[0], out var number) && number <= most
            ? number
            : throw new ProblemException(StatusCodes.Status400BadRequest, "query", $"{name} must be a whole number up to {most}");
    }

    private static void List(Utf8JsonWriter json, HookSpool? spool, int limit, long after)
    {
        var entries = spool?.List(limit, after) ?? [];
        json.WriteStartArray("events");
        foreach (var entry in entries)
        {
            json.WriteStartObject();
            json.WriteNumber("sequence", entry.Sequence);
            json.WriteString("id", entry.Id);
            json.WriteString("event", entry.Event);
            json.WriteString("order", entry.Lane);
            json.WriteString("state", entry.Dead is null ? "waiting" : "dead");
            json.WriteNumber("body_length", entry.Bytes);
            json.WriteString("made", entry.Made);
            json.WriteNumber("attempts", entry.Attempts);
            if (entry.Attempted is { } attempted)
                json.WriteString("attempted", attempted);
            json.WriteString("said", entry.Said);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (entries.Count == limit && limit > 0)
            json.WriteNumber("next_after", entries[^1].Sequence);
        else
            json.WriteNull("next_after");
    }
}
