using System.Text.Json;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Settings;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Quotas;
using XLive.Server.Traffic.Reports;

namespace XLive.Server.Operations.Api;

/// <summary>GET /traffic, and the reports that nobody has taken yet: listed, and those that are parked posted again.</summary>
internal static class ReportEndpoints
{
    private const int MostListed = 1000;

    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var services = routes.ServiceProvider;
        routes.MapMethods("/traffic", GetAndHead, http => ApiJson.WriteAsync(http, json => Totals(json, services))).Requires(Permission.Monitor);
        routes.MapMethods("/api/v1/traffic/reports", GetAndHead, http =>
        {
            var after = Number(http.Request, "after", long.MaxValue) ?? 0;
            var limit = (int)(Number(http.Request, "limit", MostListed) ?? 100);
            return ApiJson.WriteAsync(http, json => List(json, Of(services).Outbox, limit, after));
        }).Requires(Permission.Monitor);
        routes.MapMethods("/api/v1/traffic/reports/{id}", GetAndHead, async http =>
        {
            var report = Of(services).Outbox.Find(Id(http)) ?? throw NoSuch();
            http.Response.ContentType = "application/json";
            http.Response.Headers.CacheControl = "no-store";
            http.Response.ContentLength = report.Body.Length;
            if (!HttpMethods.IsHead(http.Request.Method))
                await http.Response.Body.WriteAsync(report.Body, http.RequestAborted);
        }).Requires(Permission.Monitor);
        routes.MapPost("/api/v1/traffic/reports/{id}/replay", http =>
        {
            if (!Of(services).Outbox.Replay(Id(http)))
                throw NoSuch();
            services.GetRequiredService<AuditLog>().Event(AccountFields.Who(http), "replays report " + Id(http), services.GetRequiredService<AddressOf>()(http));
            http.Response.StatusCode = StatusCodes.Status202Accepted;
            return Task.CompletedTask;
        }).Requires(Permission.Admin);
    }

    private static string Id(HttpContext http) => (string)http.Request.RouteValues["id"]!;

    private static Ledger Of(IServiceProvider services) =>
        services.GetService<Ledger>() ?? throw new ProblemException(StatusCodes.Status404NotFound, "disabled", "traffic.enable is false: there are no reports");

    private static ProblemException NoSuch() => new(StatusCodes.Status404NotFound, "no_such_report", "no report of that id lies in the outbox, or it is not parked");

    private static long? Number(HttpRequest request, string name, long most)
    {
        if (!request.Query.TryGetValue(name, out var text))
            return null;
        return text.Count == 1 && WholeNumber.TryRead(text[0], out var number) && number <= most
            ? number
            : throw new ProblemException(StatusCodes.Status400BadRequest, "query", $"{name} must be a whole number up to {most}");
    }

    private static void Totals(Utf8JsonWriter json, IServiceProvider services)
    {
        var ledger = services.GetService<Ledger>();
        var reporter = services.GetService<Reporter>();
        json.WriteString("status", ledger is null ? "disabled" : reporter!.IsConfigured ? "running" : "not_initialized");
        json.WriteBoolean("running", reporter is { IsConfigured: true });
        var totals = ledger?.Totals() ?? new TrafficTotals(0, 0, 0, 0, 0, 0);
        json.WriteNumber("total_recorded_uids", totals.RecordedUids);
        json.WriteNumber("total_reports_sent", totals.ReportsSent);
        json.WriteNumber("total_bytes_reported", totals.BytesReported);
        json.WriteNumber("current_qualified_uids", totals.QualifiedUids);
        json.WriteNumber("reports_failed", totals.ReportsFailed);
        json.WriteNumber("accumulator_cleanups", totals.AccumulatorCleanups);
        var depth = ledger?.Outbox.Depth() ?? new OutboxDepth(0, 0, 0, null);
        json.WriteStartObject("outbox");
        json.WriteNumber("depth", depth.Waiting);
        json.WriteNumber("oldest_age_seconds", depth.Oldest is { } oldest
            ? Math.Max(0, (long)(services.GetRequiredService<TimeProvider>().GetUtcNow() - oldest).TotalSeconds) : 0);
        json.WriteNumber("parked", depth.Parked);
        json.WriteNumber("body_bytes", depth.BodyBytes);
        json.WriteNumber("body_bytes_most", Outbox.MostBytes);
        json.WriteEndObject();
        if (ledger is null)
            return;
        json.WriteString("node", ledger.Node);
        json.WriteString("trouble", reporter!.Trouble ?? "");
        json.WriteNumber("users_over_quota", services.GetRequiredService<QuotaWatch>().OverCount);
        json.WriteNumber("users_with_a_verdict", services.GetRequiredService<Verdicts>().Count);
        json.WriteNumber("verdicts_dropped", services.GetRequiredService<Verdicts>().Dropped);
    }

    private static void List(Utf8JsonWriter json, Outbox outbox, int limit, long after)
    {
        var entries = outbox.List(limit, after);
        json.WriteStartArray("reports");
        foreach (var entry in entries)
        {
            json.WriteStartObject();
            json.WriteNumber("sequence", entry.Sequence);
            json.WriteString("report_id", entry.Id);
            json.WriteString("state", entry.Parked is null ? "waiting" : "parked");
            json.WriteNumber("items", entry.Items);
            json.WriteNumber("bytes", entry.Bytes);
            json.WriteNumber("body_length", entry.BodyLength);
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
