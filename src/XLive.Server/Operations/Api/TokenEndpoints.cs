using System.Text.Json;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Api;

/// <summary>API tokens: listed, made, revoked. A token itself is in the answer that made it and nowhere else.</summary>
public sealed class TokenEndpoints(ApiTokens tokens, AuditLog audit, AddressOf addressOf, TimeProvider clock)
{
    /// <summary>Without a word about it: long enough for a machine, short enough that a forgotten one ends.</summary>
    public static readonly TimeSpan UsualLifetime = TimeSpan.FromDays(365);

    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.ServiceProvider.GetRequiredService<TokenEndpoints>();
        routes.MapMethods("/api/v1/tokens", GetAndHead, (RequestDelegate)endpoints.ListAsync).Requires(Permission.Admin);
        routes.MapMethods("/api/v1/tokens/{id}", GetAndHead, (RequestDelegate)endpoints.ShowAsync).Requires(Permission.Admin);
        routes.MapPost("/api/v1/tokens", (RequestDelegate)endpoints.MakeAsync).Requires(Permission.Admin);
        routes.MapDelete("/api/v1/tokens/{id}", (RequestDelegate)endpoints.RevokeAsync).Requires(Permission.Admin);
    }

    /// <summary>Why such a token is not made, or null.</summary>
    public static string? Fault(Permission permissions, StreamPatterns streams)
    {
        if (permissions == Permission.None)
            return "permissions: at least one is needed";
        if (streams.Texts.Count == 0)
            return "streams: at least one pattern is needed; ** is all";
        return streams != StreamPatterns.All && ((permissions & Permission.Admin) != 0 || (permissions & (Permission.Publish | Permission.Subscribe)) == 0)
            ? "streams: they limit publish and subscribe; admin may do everything, and monitor sees all"
            : null;
    }

    private async Task ListAsync(HttpContext http)
    {
        var name = ApiQuery.One(http, "name");
        await AccountFields.PageAsync(http, "tokens", (await tokens.AllAsync()).Where(t => name is null || t.Name.Contains(name, StringComparison.OrdinalIgnoreCase)),
            static t => t.Name, Write);
    }

    private async Task ShowAsync(HttpContext http)
    {
        var id = (string)http.Request.RouteValues["id"]!;
        var token = (await tokens.AllAsync()).FirstOrDefault(t => t.Id == id) ?? throw NoSuch();
        await ApiJson.WriteAsync(http, json => Write(json, token));
    }

    private async Task MakeAsync(HttpContext http)
    {
        var asked = await RequestJson.ReadAsync(http, AccountFieldsJson.Default.TokenRequest, AccountFields.LongestBody);
        var name = AccountFields.Name(asked.Name);
        var permissions = AccountFields.Rights(asked.Permissions ?? []);
        var streams = AccountFields.Streams(asked.Streams);
        if (Fault(permissions, streams) is { } fault)
            throw ApiQuery.Bad(fault);
        var expires = AccountFields.Until(asked.For, UsualLifetime, clock.GetUtcNow());
        var (made, token, secret) = await tokens.MakeAsync(name, permissions, streams, expires, AccountFields.Who(http));
        if (token is null)
        {
            throw made == TokenMaking.NameTaken
                ? new ProblemException(409, "name_taken", "There is a token of that name.")
                : new ProblemException(507, "full", $"There are {ApiTokens.Most} tokens; revoke some.");
        }
        audit.Event(AccountFields.Who(http), $"made the API token {token.Name} ({token.Id}) with {string.Join(" ", permissions.Names())} for {streams}", addressOf(http));
        http.Response.StatusCode = StatusCodes.Status201Created;
        http.Response.Headers.Location = "/api/v1/tokens/" + token.Id;
        await ApiJson.WriteAsync(http, json =>
        {
            Write(json, token);
            json.WriteString("token", secret);
        });
    }

    private async Task RevokeAsync(HttpContext http)
    {
        var id = (string)http.Request.RouteValues["id"]!;
        var name = await tokens.RemoveAsync(id) ?? throw NoSuch();
        audit.Event(AccountFields.Who(http), $"revoked the API token {name} ({id})", addressOf(http));
        http.Response.Headers.CacheControl = "no-store";
        http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private void Write(Utf8JsonWriter json, ApiToken token)
    {
        json.WriteString("id", token.Id);
        json.WriteString("name", token.Name);
        AccountFields.Write(json, token.Permissions, token.Streams);
        json.WriteString("made_by", token.MadeBy);
        json.WriteNumber("created", token.Created.ToUnixTimeSeconds());
        AccountFields.WriteTime(json, "expires", token.Expires);
        json.WriteBoolean("expired", token.Expires <= clock.GetUtcNow());
        AccountFields.WriteTime(json, "last_used", token.Used);
    }

    private static ProblemException NoSuch() => new(404, "not_found", "There is no such token.");
}
