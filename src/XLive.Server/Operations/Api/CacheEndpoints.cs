using System.Text.Json.Serialization;
using System.Text.Json;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Playback.Vod.Warming;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Api;

/// <summary>What is kept of an origin: taken away, and fetched before anybody asks for it.</summary>
internal static class CacheEndpoints
{
    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];

    private const int MostPaths = 1000;
    private const int LongestBody = 256 << 10;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var services = routes.ServiceProvider;
        routes.MapPost("/api/v1/cache/purge", (RequestDelegate)(http => PurgeAsync(http, services))).Requires(Permission.Admin);
        routes.MapPost("/api/v1/cache/warm", (RequestDelegate)(http => WarmAsync(http, services))).Requires(Permission.Admin);
        routes.MapMethods("/api/v1/cache/warm", GetAndHead, http => ApiJson.WriteAsync(http, json => List(json, services.GetService<WarmJobs>()))).Requires(Permission.Monitor);
        routes.MapMethods("/api/v1/cache/warm/{id}", GetAndHead, http => ApiJson.WriteAsync(http, json => Write(json, JobOf(http, services)))).Requires(Permission.Monitor);
        routes.MapDelete("/api/v1/cache/warm/{id}", http =>
        {
            var job = JobOf(http, services);
            job.Stop();
            Tell(http, services, "stopped warming " + job.Id);
            return ApiJson.WriteAsync(http, json => Write(json, job));
        }).Requires(Permission.Admin);
    }

    private static async Task PurgeAsync(HttpContext http, IServiceProvider services)
    {
        var cache = Of<OriginCache>(services);
        var scopes = await ReadAsync<CacheScope>(http, CacheScope.TryParse);
        int gone;
        try
        {
            gone = await cache.PurgeAsync(scopes);
        }
        catch (IOException e)
        {
            Tell(http, services, $"purged {Words(scopes.Select(Word).ToList())} from memory alone: {e.Message}");
            throw new ProblemException(StatusCodes.Status503ServiceUnavailable, "disk", e.Message, TimeSpan.FromSeconds(10));
        }
        Tell(http, services, $"purged {Words(scopes.Select(Word).ToList())} from the cache, {gone} objects");
        await ApiJson.WriteAsync(http, json => json.WriteNumber("purged", gone));
    }

    private static async Task WarmAsync(HttpContext http, IServiceProvider services)
    {
        var jobs = Of<WarmJobs>(services);
        var cache = Of<OriginCache>(services);
        var asked = await ReadAsync<List<WarmPiece>>(http, (string text, out List<WarmPiece> pieces, out string fault) => TryPieces(cache, text, out pieces, out fault));
        var pieces = asked.SelectMany(static p => p).ToList();
        var job = jobs.Start(pieces)
            ?? throw new ProblemException(StatusCodes.Status429TooManyRequests, "too_many", $"{WarmJobs.MostRunning} warmings run already; wait for one, or stop it.", TimeSpan.FromSeconds(10));
        Tell(http, services, $"warms {Words([.. pieces.Select(static p => p.Path)])}, as {job.Id}");
        http.Response.StatusCode = StatusCodes.Status202Accepted;
        http.Response.Headers.Location = "/api/v1/cache/warm/" + job.Id;
        await ApiJson.WriteAsync(http, json => Write(json, job));
    }

    /// <summary>One path, or all that is kept of those that begin so: over HTTP nobody tells what an origin has.</summary>
    private static bool TryPieces(OriginCache cache, string text, out List<WarmPiece> pieces, out string fault)
    {
        pieces = [];
        if (!text.EndsWith('/') && !text.EndsWith('*'))
        {
            if (!WarmPiece.TryParse(text, out var piece, out fault))
                return false;
            pieces.Add(piece);
            return true;
        }
        if (!CacheScope.TryParse(text, out var scope, out fault))
            return false;
        pieces.AddRange(cache.Within(scope, cache.MostObjects).Select(static k => new WarmPiece(k.Path, k.Query, k)));
        fault = "covers nothing that is kept, and an HTTP origin has no list of its files: name a playlist, and what it names is warmed";
        return pieces.Count > 0;
    }

    private static WarmJob JobOf(HttpContext http, IServiceProvider services) => services.GetService<WarmJobs>()?.Find((string)http.Request.RouteValues["id"]!)
        ?? throw new ProblemException(StatusCodes.Status404NotFound, "no_such_warming", "There is no such warming, or it ended long ago.");

    private static void List(Utf8JsonWriter json, WarmJobs? jobs)
    {
        json.WriteStartArray("jobs");
        foreach (var job in jobs?.All ?? [])
        {
            json.WriteStartObject();
            Write(json, job);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, WarmJob job)
    {
        json.WriteString("id", job.Id);
        json.WriteString("state", job.State switch
        {
            WarmState.Running => "running",
            WarmState.Done => "done",
            WarmState.Incomplete => "incomplete",
            _ => "stopped",
        });
        json.WriteString("why", job.Why);
        json.WriteNumber("warm", job.Warm);
        json.WriteNumber("failed", job.Failed);
        json.WriteNumber("total", job.Total);
        json.WriteNumber("bytes", job.Bytes);
        json.WriteNumber("began_at", job.Began.ToUnixTimeSeconds());
        if (job.Ended is { } ended)
            json.WriteNumber("ended_at", ended.ToUnixTimeSeconds());
        json.WriteStartArray("failures");
        foreach (var failure in job.Failures)
        {
            json.WriteStartObject();
            json.WriteString("path", failure.Path);
            json.WriteString("why", failure.Why);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static T Of<T>(IServiceProvider services) where T : class => services.GetService<T>()
        ?? throw new ProblemException(StatusCodes.Status404NotFound, "disabled", "backend.mode is filesystem: files are read as they are, and nothing of an origin is kept.");

    private delegate bool Parse<T>(string text, out T parsed, out string fault);

    private static async ValueTask<List<T>> ReadAsync<T>(HttpContext http, Parse<T> parse)
    {
        var asked = await RequestJson.ReadAsync(http, CacheJson.Default.CachePaths, LongestBody);
        if (asked.Paths is not { Count: > 0 and <= MostPaths } paths)
            throw Bad($"paths: a list of 1 to {MostPaths} paths is needed");
        var parsed = new List<T>(paths.Count);
        for (var i = 0; i < paths.Count; i++)
        {
            if (paths[i] is not { } text)
                throw Bad($"paths[{i}] is null");
            if (!parse(text, out var one, out var fault))
                throw Bad($"paths[{i}] {fault}");
            parsed.Add(one);
        }
        return parsed;
    }

    private static ProblemException Bad(string detail) => new(StatusCodes.Status400BadRequest, "bad_request", detail);

    private static string Word(CacheScope scope) => scope.IsBeginning && !scope.Path.EndsWith('/') ? scope.Path + "*" : scope.Path;

    private static string Words(List<string> paths) => paths.Count == 1 ? paths[0] : $"{paths[0]} and {paths.Count - 1} more";

    private static void Tell(HttpContext http, IServiceProvider services, string what) =>
        services.GetRequiredService<AuditLog>().Event(http.SignedIn()?.Name ?? "", what, services.GetRequiredService<AddressOf>()(http));
}

internal sealed record CachePaths(List<string?>? Paths);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(CachePaths))]
internal sealed partial class CacheJson : JsonSerializerContext;
