using System.Text.Json;
using XLive.Server.Access;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Live;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Api;

/// <summary>
/// Stream keys: a stream may have several, so that one is given up while its publisher goes on by another. A key itself is in the answer
/// that made it and nowhere else.
/// </summary>
public sealed class StreamKeyEndpoints(StreamKeys keys, ServerSettings settings, AuditLog audit, AddressOf addressOf, TimeProvider clock)
{
    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.ServiceProvider.GetRequiredService<StreamKeyEndpoints>();
        routes.MapMethods("/api/v1/streamkeys", GetAndHead, (RequestDelegate)endpoints.ListAsync).Requires(Permission.Admin);
        routes.MapMethods("/api/v1/streamkeys/{id}", GetAndHead, (RequestDelegate)endpoints.ShowAsync).Requires(Permission.Admin);
        routes.MapPost("/api/v1/streamkeys", (RequestDelegate)endpoints.MakeAsync).Requires(Permission.Admin);
        routes.MapPatch("/api/v1/streamkeys/{id}", (RequestDelegate)endpoints.ChangeAsync).Requires(Permission.Admin);
        routes.MapDelete("/api/v1/streamkeys/{id}", (RequestDelegate)endpoints.RemoveAsync).Requires(Permission.Admin);
    }

    /// <summary>Why no key is made for it, or null.</summary>
    public static string? Fault(string stream, ServerSettings settings)
    {
        if (stream.Split('/') is not [var app, var name] || !StreamName.TryOf(app, name, out _))
            return $"'{stream}' is not APP/STREAM: letters, digits and ._~- up to 128 each, no leading dot";
        if (!settings.Of<LiveAppsOptions>().Apps.Contains(app))
            return $"'{app}' is none of live.apps: {string.Join(", ", settings.Of<LiveAppsOptions>().Apps)}";
        return StreamKeys.IsKey(name) ? $"'{name}' looks like a key; name the stream as viewers shall see it" : null;
    }

    private async Task ListAsync(HttpContext http)
    {
        var stream = ApiQuery.One(http, "stream");
        await AccountFields.PageAsync(http, "streamkeys",
            (await keys.AllAsync()).Where(k => stream is null || k.Stream == stream).OrderBy(Order, StringComparer.Ordinal), Order, Write);
    }

    private async Task ShowAsync(HttpContext http) => await AnswerAsync(http, await keys.LoadAsync(IdOf(http)) ?? throw NoSuch());

    private async Task MakeAsync(HttpContext http)
    {
        var asked = await RequestJson.ReadAsync(http, AccountFieldsJson.Default.StreamKeyRequest, AccountFields.LongestBody);
        // Its message names no value: what was sent may be a key.
        if (asked.Stream is not { } stream || Fault(stream, settings) is not null)
            throw ApiQuery.Bad("stream: APP/STREAM, an app of live.apps and letters, digits and ._~- up to 128, no leading dot");
        var name = NameOf(asked.Name ?? "");
        var expires = AccountFields.Until(asked.For, null, clock.GetUtcNow());
        if (await keys.MakeAsync(stream, name, expires) is not { } both)
            throw new ProblemException(507, "full", $"There are {StreamKeys.Most} stream keys; remove some.");
        var (key, made) = both;
        audit.Event(AccountFields.Who(http), $"made the stream key {made.Id} of {stream}", addressOf(http));
        http.Response.StatusCode = StatusCodes.Status201Created;
        http.Response.Headers.Location = "/api/v1/streamkeys/" + made.Id;
        http.Response.Headers.ETag = Tag(made);
        await ApiJson.WriteAsync(http, json =>
        {
            Write(json, made);
            json.WriteString("key", key);
        });
    }

    private async Task ChangeAsync(HttpContext http)
    {
        var id = IdOf(http);
        var isSeen = AccountFields.IfMatch(http);
        var asked = await RequestJson.ReadAsync(http, AccountFieldsJson.Default.StreamKeyChangeRequest, AccountFields.LongestBody);
        if (asked.Name is null && asked.For is null)
            throw ApiQuery.Bad("name, for: at least one is needed");
        var name = asked.Name is { } given ? NameOf(given) : null;
        var expires = AccountFields.Until(asked.For, null, clock.GetUtcNow());
        Check(await keys.ChangeAsync(id, key => isSeen(Tag(key)), key => key with { Name = name ?? key.Name, Expires = asked.For is null ? key.Expires : expires }));
        audit.Event(AccountFields.Who(http), $"changed the stream key {id}{(asked.For is null ? "" : $": it is good for {asked.For}")}", addressOf(http));
        await AnswerAsync(http, await keys.LoadAsync(id) ?? throw NoSuch());
    }

    private async Task RemoveAsync(HttpContext http)
    {
        var id = IdOf(http);
        var isSeen = AccountFields.IfMatch(http, needed: false);
        Check(await keys.RemoveAsync(id, key => isSeen(Tag(key))));
        audit.Event(AccountFields.Who(http), $"removed the stream key {id}", addressOf(http));
        http.Response.Headers.CacheControl = "no-store";
        http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private Task AnswerAsync(HttpContext http, StreamKey key)
    {
        http.Response.Headers.ETag = Tag(key);
        return ApiJson.WriteAsync(http, json => Write(json, key));
    }

    private void Write(Utf8JsonWriter json, StreamKey key)
    {
        json.WriteString("id", key.Id);
        json.WriteString("stream", key.Stream);
        json.WriteString("name", key.Name);
        json.WriteNumber("created", key.Created.ToUnixTimeSeconds());
        AccountFields.WriteTime(json, "expires", key.Expires);
        json.WriteBoolean("expired", key.Expires <= clock.GetUtcNow());
        json.WriteString("etag", Tag(key));
    }

    private static string NameOf(string name) => name.Length <= StreamKeys.LongestName && !name.Any(char.IsControl) ? name
        : throw ApiQuery.Bad($"name: up to {StreamKeys.LongestName} characters without control characters");

    private static void Check(KeyChange done)
    {
        if (done != KeyChange.Done)
            throw done == KeyChange.Stale ? AccountFields.Stale() : NoSuch();
    }

    private static string Order(StreamKey key) => $"{key.Stream} {key.Id}";

    private static string Tag(StreamKey key) => AccountFields.Tag(key.Id, key.Name, AccountFields.Text(key.Expires));

    private static string IdOf(HttpContext http) => (string)http.Request.RouteValues["id"]!;

    private static ProblemException NoSuch() => new(404, "not_found", "There is no such stream key.");
}
