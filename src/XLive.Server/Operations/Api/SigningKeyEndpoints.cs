using System.Text.Json;
using XLive.Server.Access;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Api;

/// <summary>
/// Signing keys: those of data/keys, made and taken away, beside those of the settings, which only the settings change. A key is never
/// changed: who shares it was told one thing. A secret is in the answer that made it and nowhere else.
/// </summary>
public sealed class SigningKeyEndpoints(SigningKeyFiles files, ServerSettings settings, AuditLog audit, AddressOf addressOf)
{
    public const int Most = 1000; // each is a file, and each is looked at for every link that is new

    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];

    private readonly Lock _gate = new();

    private sealed record Listed(string Id, string From, long? NotBefore, long? NotAfter);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.ServiceProvider.GetRequiredService<SigningKeyEndpoints>();
        routes.MapMethods("/api/v1/keys", GetAndHead, (RequestDelegate)endpoints.ListAsync).Requires(Permission.Admin);
        routes.MapPost("/api/v1/keys", (RequestDelegate)endpoints.MakeAsync).Requires(Permission.Admin);
        routes.MapDelete("/api/v1/keys", (RequestDelegate)endpoints.RemoveAsync).Requires(Permission.Admin);
    }

    private async Task ListAsync(HttpContext http)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // to where a disk may be waited for
        var from = ApiQuery.One(http, "from");
        var access = settings.Of<AccessOptions>();
        List<Listed> all = [.. access.Keys.Select(static k => new Listed(k.Id, "settings", k.NotBefore?.ToUnixTimeSeconds(), k.NotAfter?.ToUnixTimeSeconds()))];
        if (access.Secret.Length > 0)
            all.Add(new Listed("", "settings", null, null));
        all.AddRange(files.All.Select(static k => new Listed(k.Id, "data", k.NotBefore, k.NotAfter)));
        // One id may stand in both; those of the settings win.
        await AccountFields.PageAsync(http, "keys", all.Where(k => from is null || k.From == from).OrderBy(Order, StringComparer.Ordinal), Order, static (json, key) =>
        {
            json.WriteString("id", key.Id);
            json.WriteString("from", key.From);
            WriteTime(json, "not_before", key.NotBefore);
            WriteTime(json, "not_after", key.NotAfter);
        });
    }

    private async Task MakeAsync(HttpContext http)
    {
        var asked = await RequestJson.ReadAsync(http, AccountFieldsJson.Default.SigningKeyRequest, AccountFields.LongestBody);
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var key = new StoredKey(asked.Id ?? throw ApiQuery.Bad("id: is missing"), KeyFiles.RandomText(), asked.NotBefore, asked.NotAfter);
        try
        {
            key.ToKey();
        }
        catch (FormatException)
        {
            throw ApiQuery.Bad("id: up to 128 bytes without control characters; not_before must not be after not_after");
        }
        lock (_gate)
        {
            if (files.All.Count >= Most)
                throw new ProblemException(507, "full", $"There are {Most} signing keys; remove some.");
            if (!files.Add(key))
                throw new ProblemException(409, "id_taken", "There is a key of that id.");
        }
        audit.Event(AccountFields.Who(http), $"made the signing key '{key.Id}'", addressOf(http));
        http.Response.StatusCode = StatusCodes.Status201Created;
        await ApiJson.WriteAsync(http, json =>
        {
            json.WriteString("id", key.Id);
            json.WriteString("from", "data");
            WriteTime(json, "not_before", key.NotBefore);
            WriteTime(json, "not_after", key.NotAfter);
            json.WriteString("secret", key.Secret);
        });
    }

    private async Task RemoveAsync(HttpContext http)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        // Of the query, for an id may be empty, and may have a slash in it.
        var id = ApiQuery.One(http, "id") ?? throw ApiQuery.Bad("id: is missing");
        if (!files.All.Any(k => k.Id == id) || !files.Remove(id))
            throw new ProblemException(404, "not_found", "data/keys has no key of that id; one of the settings is taken away there.");
        audit.Event(AccountFields.Who(http), $"removed the signing key '{id}'", addressOf(http));
        http.Response.Headers.CacheControl = "no-store";
        http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static void WriteTime(Utf8JsonWriter json, string name, long? time)
    {
        if (time is { } at)
            json.WriteNumber(name, at);
        else
            json.WriteNull(name);
    }

    private static string Order(Listed key) => $"{key.Id} {key.From}";
}
