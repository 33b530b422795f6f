using System.Text.Json;

namespace XLive.Server.Accounts;

/// <summary>
/// Tokens of auth.issuer: who may log in and do what is said there, and nothing of it is written down here. The database is not asked
/// either. What a token does not say it does not give: without a claim of permissions it opens nothing, without streams no stream.
/// </summary>
public sealed class IssuerTokens(AuthOptions options, IssuerKeys keys, TimeProvider clock)
{
    private const string Name = "issuer ";
    private const int LongestSubject = 255; // OpenID Connect Core, 2

    // Of an API's own rights, of roles, of what a client was granted: the first that is there says all (RFC 9068, 2.2.3).
    private static readonly string[] s_rights = ["permissions", "roles", "scope"];

    // For an issuer whose names are shared by many services.
    private const string Ours = "xlive:";

    public bool IsSet => options.JwksUrl.Length > 0;

    internal async ValueTask<(SignedIn? Who, TokenFault Fault)> ReadAsync(TokenText token)
    {
        TokenFault fault = Unlike(token);
        if (fault != TokenFault.None)
        {
            return (null, fault);
        }
        if (await keys.FindAsync(token.Kid) is not { } key)
        {
            return (null, TokenFault.Key);
        }
        fault = key.Verify(token);
        return fault == TokenFault.None ? Claims(token, options.Issuer, options.Audience, clock.GetUtcNow()) : (null, fault);
    }

    /// <summary>What no issuer signs as an access token is refused before a key is looked for.</summary>
    internal static TokenFault Unlike(in TokenText token)
    {
        if (token.Algorithm is not ("ES256" or "RS256" or "PS256"))
        {
            return TokenFault.Algorithm;
        }
        if (!IsAccessToken(token.Type))
        {
            return TokenFault.Form;
        }
        return token.Kid.Length is 0 or > IssuerKeySet.LongestKid ? TokenFault.Key : TokenFault.None;
    }

    // Of one key an issuer makes tokens of many kinds, to log out with for one; those say so (RFC 8725, 3.11).
    private static bool IsAccessToken(string? type) => type is null || type.Equals("JWT", StringComparison.OrdinalIgnoreCase)
        || type.Equals("at+jwt", StringComparison.OrdinalIgnoreCase) || type.Equals("application/at+jwt", StringComparison.OrdinalIgnoreCase);

    internal static (SignedIn? Who, TokenFault Fault) Claims(in TokenText token, string issuer, string audience, DateTimeOffset now)
    {
        using JsonDocument? document = token.Claims();
        try
        {
            if (document?.RootElement is not { ValueKind: JsonValueKind.Object } claims
                || TokenText.Text(claims, "iss") != issuer || !IsFor(claims, audience)
                || TokenText.Text(claims, "sub") is not { Length: > 0 and <= LongestSubject } subject || subject.Any(static c => c is < '!' or > '~')
                || !TokenText.TryTime(claims, "exp", out DateTimeOffset expires)
                || !TryTimeIfAny(claims, "iat", out DateTimeOffset issued) || !TryTimeIfAny(claims, "nbf", out DateTimeOffset notBefore)
                || !TryRights(claims, out Permission permissions) || !TryStreams(claims, out StreamPatterns streams))
            {
                return (null, TokenFault.Claims);
            }
            return TokenText.Untimely(expires, notBefore > issued ? notBefore : issued, now) is { } fault
                ? (null, fault)
                : (new SignedIn(Name + subject, permissions, null, expires) { By = Proof.Issuer, Streams = streams, Holder = Name + subject }, TokenFault.None);
        }
        catch (InvalidOperationException)
        {
            return (null, TokenFault.Claims); // a string with half a surrogate
        }
    }

    // One, or several services in an array (RFC 7519, 4.1.3).
    private static bool IsFor(JsonElement claims, string audience) => claims.TryGetProperty("aud", out JsonElement said) && said.ValueKind switch
    {
        JsonValueKind.String => said.GetString() == audience,
        JsonValueKind.Array => said.EnumerateArray().Any(a => a.ValueKind == JsonValueKind.String && a.GetString() == audience),
        _ => false,
    };

    private static bool TryTimeIfAny(JsonElement claims, string name, out DateTimeOffset time)
    {
        time = DateTimeOffset.UnixEpoch;
        return !claims.TryGetProperty(name, out _) || TokenText.TryTime(claims, name, out time);
    }

    private static bool TryRights(JsonElement claims, out Permission permissions)
    {
        permissions = Permission.None;
        foreach (string claim in s_rights)
        {
            if (!claims.TryGetProperty(claim, out JsonElement value))
            {
                continue;
            }
            if (Names(value) is not { } names)
            {
                return false;
            }
            foreach (string name in names)
            {
                // Another service's names stand beside ours.
                string own = name.StartsWith(Ours, StringComparison.Ordinal) ? name[Ours.Length..] : name;
                if (Permissions.TryParse(own, out Permission permission))
                {
                    permissions |= permission;
                }
            }
            return true;
        }
        return true;
    }

    private static bool TryStreams(JsonElement claims, out StreamPatterns streams)
    {
        streams = StreamPatterns.None;
        if (!claims.TryGetProperty("streams", out JsonElement value))
        {
            return true;
        }
        if (Names(value) is not { } patterns || StreamPatterns.Fault(patterns) is not null)
        {
            return false;
        }
        streams = StreamPatterns.Of(patterns);
        return true;
    }

    // A list of strings, or one string with spaces as scope has it (RFC 6749, 3.3). Null: anything else.
    private static string[]? Names(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            return value.GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(static v => v.ValueKind != JsonValueKind.String))
        {
            return null;
        }
        return [.. value.EnumerateArray().Select(static v => v.GetString()!)];
    }
}
