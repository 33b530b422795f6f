using System.Net;
using XLive.Server.Door;
using XLive.Server.Telemetry;

namespace XLive.Server.Accounts;

/// <summary>What an endpoint asks of who calls it; null: nothing, it is public by name.</summary>
public sealed record Needs(Permission? Permission);

public static class NeedsConventions
{
    /// <summary>Only who has this permission gets in. <see cref="Permission.None"/>: whoever is signed in.</summary>
    public static T Requires<T>(this T endpoint, Permission permission) where T : IEndpointConventionBuilder =>
        endpoint.WithMetadata(new Needs(permission));

    /// <summary>Everybody gets in; a sign-in that is brought along is still read, for endpoints that tell some more than others.</summary>
    public static T Public<T>(this T endpoint) where T : IEndpointConventionBuilder => endpoint.WithMetadata(new Needs(null));

    public static SignedIn? SignedIn(this HttpContext http) => http.Features.Get<SignedIn>();
}

/// <summary>Where a client is, behind trusted proxies; the Door's word when it has one.</summary>
public delegate IPAddress? AddressOf(HttpContext http);

/// <summary>Whether an address needs no login with auth.enable: false.</summary>
public delegate bool OpenTo(IPAddress address);

/// <summary>
/// Stands behind routing and before every endpoint. What was mapped without saying who may call it is refused: a forgotten word must
/// not open a door.
/// </summary>
public sealed class PermissionGuard(
    RequestDelegate next, Bearers bearers, CommandGrants commands, AuthOptions options, OpenTo openTo, AddressOf addressOf, AuditLog audit, IHostEnvironment environment)
{
    public const string TestEnvironment = "Test";
    private const string RoutingsMethodNotAllowed = "405 HTTP Method Not Supported";

    public async Task InvokeAsync(HttpContext http)
    {
        Endpoint? endpoint = http.GetEndpoint();
        if (endpoint is null || (endpoint.Metadata.Count == 0 && endpoint.DisplayName == RoutingsMethodNotAllowed))
        {
            await next(http);
            return;
        }
        if (endpoint.Metadata.GetMetadata<Needs>() is not { } needs)
        {
            await (environment.IsEnvironment(TestEnvironment)
                ? Problem.Write(http, 500, "unguarded", $"{endpoint.DisplayName} is mapped without Requires or Public.")
                : Problem.Write(http, 403, "forbidden", "Nobody may call this."));
            return;
        }
        (SignedIn? who, TokenFault fault) = await WhoAsync(http);
        if (who is not null)
        {
            http.Features.Set(who);
        }
        if (needs.Permission is not { } permission || (who is not null && who.May(permission)))
        {
            await next(http);
            return;
        }
        if (who is null)
        {
            bool brought = fault != TokenFault.None;
            http.Response.Headers.WWWAuthenticate = brought ? "Bearer error=\"invalid_token\"" : "Bearer";
            if (brought)
            {
                audit.Refused($"access token: {fault}", null, addressOf(http), http.Request.Path);
            }
            await Problem.Write(http, 401, fault == TokenFault.Expired ? "expired" : "unauthorized", fault switch
            {
                TokenFault.None => "This needs a sign-in.",
                TokenFault.Expired => "The access token has expired.",
                _ => "The access token is not right.",
            });
            return;
        }
        audit.Refused("permission", null, addressOf(http), http.Request.Path);
        await Problem.Write(http, 403, "forbidden", $"This needs the permission {string.Join(", ", permission.Names())}.");
    }

    private async ValueTask<(SignedIn?, TokenFault)> WhoAsync(HttpContext http)
    {
        if (Bearers.TryFind(http, out string token))
        {
            return await bearers.ReadAsync(token);
        }
        if (commands.Read(http) is { } command)
        {
            return (command, TokenFault.None);
        }
        return !options.Enable && addressOf(http) is { } address && openTo(address) && IsNoOtherSite(http, address)
            ? (new SignedIn("local", Permissions.All, null, DateTimeOffset.MaxValue) { By = Proof.Address }, TokenFault.None)
            : (null, TokenFault.None);
    }

    // Without a login the address alone opens the door, and a browser on that address runs the scripts of every site: a page must not
    // post here from elsewhere, nor reach loopback under a name of its own (DNS rebinding, or a proxy in front that nobody declared).
    private static bool IsNoOtherSite(HttpContext http, IPAddress address)
    {
        HttpRequest request = http.Request;
        if (request.Headers.Origin is { Count: > 0 } origin
            && !(Uri.TryCreate(origin, UriKind.Absolute, out Uri? from) && string.Equals(from.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase)))
        {
            return false;
        }
        bool local = IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);
        return !local || request.Host.Host == "localhost" || IPAddress.TryParse(request.Host.Host.Trim('[', ']'), out _);
    }
}
