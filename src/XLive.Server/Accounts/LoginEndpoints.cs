using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using XLive.Server.Door;
using XLive.Server.Telemetry;

namespace XLive.Server.Accounts;

/// <summary>POST /login, /refresh and /logout, who is signed in, and the change of a password.</summary>
public sealed class LoginEndpoints(
    Users users, OneTimeLinks links, SignIns signIns, AccessTokens tokens, Bearers bearers, LoginLimits limits, AuditLog audit, AddressOf addressOf)
{
    private const int LongestBody = 16 << 10;

    // One text for every way to be wrong: which part it was is what a guesser wants to know.
    private const string Wrong = "The user name and password, or the link, are not right.";

    public async Task Login(HttpContext http)
    {
        LoginRequest asked = await RequestJson.ReadAsync(http, AccountsJson.Default.LoginRequest, LongestBody);
        bool byLink = asked.Once is not null;
        if (byLink && (asked.Username is not null || asked.Password is not null))
        {
            throw Malformed("once", "stands alone, without username and password");
        }
        string name = byLink ? "" : Field("username", asked.Username, 256);
        string secret = byLink ? Field("once", asked.Once, 256) : Field("password", asked.Password, Passwords.Longest);

        IPAddress? from = addressOf(http);
        string? account = byLink ? null : name;
        if (limits.Begin(from, account) is { } wait)
        {
            audit.Refused("too many logins", null, from, http.Request.Path);
            throw new ProblemException(429, "too_many", "Too many sign-ins that failed; wait a while.", wait);
        }
        User? user;
        try
        {
            user = byLink ? await ByLink(secret) : await users.CheckAsync(name, secret);
        }
        catch (PasswordsBusyException)
        {
            limits.Succeeded(from, account); // it was not tried
            throw new ProblemException(503, "busy", "Too many sign-ins at once.", TimeSpan.FromSeconds(2));
        }
        if (user is null)
        {
            audit.Refused(byLink ? "wrong link" : "wrong password", null, from, http.Request.Path);
            throw Unauthorized(http, Wrong);
        }
        limits.Succeeded(from, account);
        SignInGrant grant = await signIns.OpenAsync(user.Name);
        audit.Event(user.Name, byLink ? "signed in by link" : "signed in", from);
        await Answer(http, user, grant);
    }

    public async Task Refresh(HttpContext http)
    {
        RefreshRequest asked = await RequestJson.ReadAsync(http, AccountsJson.Default.RefreshRequest, LongestBody);
        (SignInGrant? grant, RefreshFault fault) = await signIns.RefreshAsync(Field("refresh_token", asked.RefreshToken, 256));
        if (grant is null || await users.LoadAsync(grant.User) is not { } user)
        {
            audit.Refused($"refresh token: {fault}", null, addressOf(http), http.Request.Path);
            throw Unauthorized(http, "The refresh token is not right, or no more; sign in again.");
        }
        await Answer(http, user, grant);
    }

    /// <summary>Ends the sign-in of the access token, of the refresh token, or both; what has ended already is no fault.</summary>
    public async Task Logout(HttpContext http)
    {
        bool known = false;
        if (Bearers.TryFind(http, out string token) && (await bearers.ReadAsync(token)).Who is { SignInId: { } id } who)
        {
            known = true;
            await signIns.EndAsync(id);
            audit.Event(who.Name, "signed out", addressOf(http));
        }
        if (http.Request.ContentLength > 0 || http.Request.Headers.TransferEncoding.Count > 0)
        {
            RefreshRequest asked = await RequestJson.ReadAsync(http, AccountsJson.Default.RefreshRequest, LongestBody);
            if (asked.RefreshToken is not null)
            {
                known = true;
                await signIns.EndByTokenAsync(Field("refresh_token", asked.RefreshToken, 256));
            }
        }
        if (!known)
        {
            throw Unauthorized(http, "There is no sign-in to end.");
        }
        http.Response.Headers.CacheControl = "no-store";
        http.Response.StatusCode = 204;
    }

    /// <summary>Who the server takes the caller for. Nobody is an answer too, so that a page can ask before it shows a form.</summary>
    public Task Me(HttpContext http)
    {
        SignedIn? who = http.SignedIn();
        bool byAddress = who is { By: Proof.Address or Proof.Command };
        MeAnswer answer = new(who?.Name, [.. (who?.Permissions ?? Permission.None).Names()], byAddress,
            who is { By: Proof.SignIn } ? users.Find(who.Name)?.HasPassword : null);
        return Json(http, JsonSerializer.SerializeToUtf8Bytes(answer, AccountsJson.Default.MeAnswer));
    }

    public async Task SetPassword(HttpContext http)
    {
        string name = http.Request.RouteValues["name"] as string ?? "";
        SignedIn who = http.SignedIn()!;
        bool own = who.Name == name && who.SignInId is not null;
        if (!own && !who.May(Permission.Admin))
        {
            throw new ProblemException(403, "forbidden", "This needs the permission admin, or to be that user.");
        }
        PasswordRequest asked = await RequestJson.ReadAsync(http, AccountsJson.Default.PasswordRequest, LongestBody);
        string password = Field("password", asked.Password, Passwords.Longest);
        if (password.Length < Passwords.Shortest)
        {
            throw Malformed("password", string.Create(CultureInfo.InvariantCulture, $"needs {Passwords.Shortest} characters or more"));
        }
        bool done;
        try
        {
            done = await users.SetPasswordAsync(name, password, own ? who.SignInId : null);
        }
        catch (PasswordsBusyException)
        {
            throw new ProblemException(503, "busy", "Too many passwords at once.", TimeSpan.FromSeconds(2));
        }
        if (!done)
        {
            throw new ProblemException(404, "not_found", "There is no such user.");
        }
        audit.Event(who.Name, $"set the password of {name}", addressOf(http));
        http.Response.Headers.CacheControl = "no-store";
        http.Response.StatusCode = 204;
    }

    private async Task<User?> ByLink(string once) =>
        await links.UseAsync(once) is { } name ? await users.LoadAsync(name) : null;

    private Task Answer(HttpContext http, User user, SignInGrant grant)
    {
        TokensAnswer answer = new(tokens.Issue(user, grant.Id), "Bearer", (long)tokens.Lifetime.TotalSeconds, grant.RefreshToken);
        return Json(http, JsonSerializer.SerializeToUtf8Bytes(answer, AccountsJson.Default.TokensAnswer));
    }

    private static async Task Json(HttpContext http, byte[] body)
    {
        http.Response.Headers.CacheControl = "no-store";
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    private static string Field(string name, string? value, int longest) => value switch
    {
        null or "" => throw Malformed(name, "is missing"),
        _ when value.Length > longest => throw Malformed(name, string.Create(CultureInfo.InvariantCulture, $"is longer than {longest} characters")),
        _ => value,
    };

    private static ProblemException Malformed(string field, string why) => new(400, "bad_request", $"{field}: {why}");

    private static ProblemException Unauthorized(HttpContext http, string detail)
    {
        http.Response.Headers.WWWAuthenticate = "Bearer";
        return new ProblemException(401, "unauthorized", detail);
    }
}

internal sealed record LoginRequest(string? Username, string? Password, string? Once);

internal sealed record RefreshRequest(string? RefreshToken);

internal sealed record PasswordRequest(string? Password);

internal sealed record MeAnswer(string? Name, string[] Permissions, bool ByAddress, bool? HasPassword);

internal sealed record TokensAnswer(string AccessToken, string TokenType, long ExpiresIn, string RefreshToken);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, AllowDuplicateProperties = false, MaxDepth = 8)]
[JsonSerializable(typeof(LoginRequest))]
[JsonSerializable(typeof(RefreshRequest))]
[JsonSerializable(typeof(PasswordRequest))]
[JsonSerializable(typeof(MeAnswer))]
[JsonSerializable(typeof(TokensAnswer))]
internal sealed partial class AccountsJson : JsonSerializerContext;
