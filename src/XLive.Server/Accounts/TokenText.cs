using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace XLive.Server.Accounts;

/// <summary>Why a token was refused: for the audit log and the tests; the caller is told "wrong" or "expired" at most.</summary>
public enum TokenFault { None, TooLong, Form, Algorithm, Key, Signature, Claims, Expired, NotYet, SignedOut, NoUser }

/// <summary>
/// A JWT taken apart, strictly: what this server would not have written is refused, be it padding, a member given twice, a critical
/// extension, a number that is none, or a key that the token brings along.
/// </summary>
internal readonly struct TokenText
{
    private const int Longest = 8 << 10;
    private const int SignatureBytes = 64; // r and s as they are, not DER
    private const double LastSecond = 253402300799; // of the year 9999
    private static readonly TimeSpan s_skew = TimeSpan.FromSeconds(60);

    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false, MaxDepth = 4 };

    public string Kid { get; private init; }

    public byte[] Signed { get; private init; }

    public byte[] Signature { get; private init; }

    private byte[] ClaimsJson { get; init; }

    public static TokenFault Split(string token, out TokenText parts)
    {
        parts = default;
        if (token.Length > Longest)
        {
            return TokenFault.TooLong;
        }
        string[] texts = token.Split('.', 4);
        if (texts.Length != 3 || !TryDecode(texts[0], out byte[] head) || !TryDecode(texts[1], out byte[] claims)
            || !TryDecode(texts[2], out byte[] signature) || head.Length == 0 || claims.Length == 0)
        {
            return TokenFault.Form;
        }
        TokenFault fault = Head(head, out string kid);
        if (fault != TokenFault.None)
        {
            return fault;
        }
        if (signature.Length != SignatureBytes)
        {
            return TokenFault.Signature;
        }
        parts = new TokenText
        {
            Kid = kid, Signed = Encoding.ASCII.GetBytes(token[..token.LastIndexOf('.')]), Signature = signature, ClaimsJson = claims,
        };
        return TokenFault.None;
    }

    public (SignedIn? Who, TokenFault Fault) Claims(DateTimeOffset now)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(ClaimsJson, s_strict);
            JsonElement claims = document.RootElement;
            if (claims.ValueKind != JsonValueKind.Object || Text(claims, "iss") != AccessTokens.Issuer || Text(claims, "aud") != AccessTokens.Issuer
                || Text(claims, "sub") is not { } name || !User.IsName(name) || Text(claims, "sid") is not { Length: > 0 } signIn
                || !TryPermissions(claims, out Permission permissions)
                || !TryTime(claims, "exp", out DateTimeOffset expires) || !TryTime(claims, "iat", out DateTimeOffset issued))
            {
                return (null, TokenFault.Claims);
            }
            DateTimeOffset notBefore = issued;
            if (claims.TryGetProperty("nbf", out _) && !TryTime(claims, "nbf", out notBefore))
            {
                return (null, TokenFault.Claims);
            }
            if (expires + s_skew <= now)
            {
                return (null, TokenFault.Expired);
            }
            return issued - s_skew > now || notBefore - s_skew > now
                ? (null, TokenFault.NotYet)
                : (new SignedIn(name, permissions, signIn, expires), TokenFault.None);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return (null, TokenFault.Claims); // InvalidOperation: a string with half a surrogate
        }
    }

    private static TokenFault Head(byte[] json, out string kid)
    {
        kid = "";
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, s_strict);
            JsonElement head = document.RootElement;
            if (head.ValueKind != JsonValueKind.Object)
            {
                return TokenFault.Form;
            }
            if (Text(head, "alg") != "ES256")
            {
                return TokenFault.Algorithm;
            }
            foreach (JsonProperty member in head.EnumerateObject())
            {
                // "jwk", "jku" and "x5c" bring a key along, "crit" and "zip" ask for what is not done here.
                if (member.Name is not ("alg" or "typ" or "kid") || (member.Name == "typ" && Text(head, "typ") != "JWT"))
                {
                    return TokenFault.Form;
                }
            }
            kid = Text(head, "kid") ?? "";
            return TokenFault.None;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return TokenFault.Form;
        }
    }

    private static string? Text(JsonElement of, string name) =>
        of.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static bool TryTime(JsonElement claims, string name, out DateTimeOffset time)
    {
        time = default;
        // 1e999 reads as infinity, which would never expire.
        if (!claims.TryGetProperty(name, out JsonElement value) || value.ValueKind != JsonValueKind.Number
            || !value.TryGetDouble(out double seconds) || !double.IsFinite(seconds) || seconds < 0 || seconds > LastSecond - s_skew.TotalSeconds)
        {
            return false;
        }
        time = DateTimeOffset.FromUnixTimeSeconds((long)seconds);
        return true;
    }

    private static bool TryPermissions(JsonElement claims, out Permission permissions)
    {
        permissions = Permission.None;
        if (!claims.TryGetProperty("permissions", out JsonElement list) || list.ValueKind != JsonValueKind.Array)
        {
            return false;
        }
        foreach (JsonElement item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String || !Permissions.TryParse(item.GetString(), out Permission permission))
            {
                return false;
            }
            permissions |= permission;
        }
        return true;
    }

    // The library's decoder lets white space, padding and stray bits pass: a token would have many spellings.
    private static bool TryDecode(string text, out byte[] bytes)
    {
        bytes = [];
        if (!text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') || text.Length % 4 == 1)
        {
            return false;
        }
        try
        {
            bytes = Base64Url.DecodeFromChars(text);
        }
        catch (FormatException)
        {
            return false;
        }
        return Base64Url.EncodeToString(bytes) == text;
    }
}
