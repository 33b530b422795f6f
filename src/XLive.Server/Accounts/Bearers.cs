using Microsoft.Extensions.Primitives;

namespace XLive.Server.Accounts;

/// <summary>
/// Who brings this token? One of ours: form, signature and time, then the user as the database has it now: a permission taken away, a
/// disabled user and a sign-out count at once, not when the token runs out. An API token, as the database has it. Or one of auth.issuer.
/// Each is told by its own form, and none is tried as another.
/// </summary>
public sealed class Bearers(AccessTokens tokens, KnownAccounts known, ApiTokens apiTokens, IssuerTokens issuer)
{
    private const string Scheme = "Bearer ";

    public async ValueTask<(SignedIn? Who, TokenFault Fault)> ReadAsync(string token)
    {
        if (ApiTokens.IsToken(token))
        {
            await known.FreshAsync();
            return apiTokens.Read(token);
        }
        TokenFault fault = TokenText.Split(token, out TokenText parts);
        if (fault != TokenFault.None)
        {
            return (null, fault);
        }
        // By the key that it names: what one of ours did not sign is never asked of the issuer, nor the other way round.
        return issuer.IsSet && !tokens.Has(parts.Kid) ? await issuer.ReadAsync(parts) : await OfSignInAsync(parts);
    }

    private async ValueTask<(SignedIn? Who, TokenFault Fault)> OfSignInAsync(TokenText parts)
    {
        (SignedIn? who, TokenFault fault) = tokens.Verify(parts);
        if (who is null)
        {
            return (null, fault);
        }
        await known.FreshAsync();
        if (known.HasEnded(who.SignInId!))
        {
            return (null, TokenFault.SignedOut);
        }
        return known.Find(who.Name) is { Disabled: false } user
            ? (who with { Permissions = user.Permissions, Streams = user.Streams }, TokenFault.None)
            : (null, TokenFault.NoUser);
    }

    /// <summary>
    /// The token of a request: of a WebSocket's query, where a browser can set no header, or of Authorization. Elsewhere a token in a
    /// query does not count for the API: queries end up in histories and in other people's logs.
    /// </summary>
    public static bool TryFind(HttpContext http, out string token)
    {
        token = "";
        if (IsWebSocket(http.Request) && http.Request.Query.TryGetValue("access_token", out StringValues inQuery) && inQuery.Count == 1)
        {
            token = inQuery[0] ?? "";
            return true;
        }
        StringValues header = http.Request.Headers.Authorization;
        if (header.Count != 1 || header[0] is not { } text || !text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }
        token = text[Scheme.Length..].Trim(' ');
        return true;
    }

    private static bool IsWebSocket(HttpRequest request) =>
        string.Equals(request.Headers.Upgrade, "websocket", StringComparison.OrdinalIgnoreCase)
        || (HttpMethods.IsConnect(request.Method) && string.Equals(request.Headers[":protocol"], "websocket", StringComparison.OrdinalIgnoreCase));
}
