using System.Text.Json;
using XLive.Server.Accounts;
using XLive.Server.Door;

namespace XLive.Server.Operations.Health;

public static class HealthEndpoints
{
    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        var health = routes.ServiceProvider.GetRequiredService<HealthChecks>();
        // The state is for anyone: balancers and uptime watches have no login.
        routes.MapMethods("/health", GetAndHead, http => WriteAsync(http, health, health.State == HealthState.Unhealthy)).Public();
        var drain = routes.ServiceProvider.GetRequiredService<Drain>();
        routes.MapMethods("/health/ready", GetAndHead, http =>
        {
            drain.ReadyAsked();
            return WriteAsync(http, health, !health.IsReady);
        }).Public();
        routes.MapMethods("/health/live", GetAndHead, http => WriteAsync(http, health, down: false)).Public();
    }

    private static async Task WriteAsync(HttpContext http, HealthChecks health, bool down)
    {
        http.Response.StatusCode = down ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-store";
        using var body = new MemoryStream();
        await using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("status", Word(health.State));
            if (health.Draining)
                json.WriteBoolean("draining", true);
            // Names of disks and their faults are for those who run it.
            if (http.ReachesManagement() && http.SignedIn()?.May(Permission.Monitor) == true)
            {
                json.WriteStartArray("checks");
                foreach (var entry in health.Entries)
                {
                    json.WriteStartObject();
                    json.WriteString("name", entry.Name);
                    json.WriteString("status", Word(entry.State));
                    json.WriteString("detail", entry.Detail);
                    json.WriteNumber("latency_ms", Math.Round(entry.LatencyMs, 3));
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        http.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
            await http.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), http.RequestAborted);
    }

    internal static string Word(HealthState state) => state switch
    {
        HealthState.Healthy => "healthy",
        HealthState.Degraded => "degraded",
        _ => "unhealthy",
    };
}
