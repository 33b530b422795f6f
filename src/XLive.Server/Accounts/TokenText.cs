using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace XLive.Server.Accounts;

/// <summary>Why a token was refused: for the audit log and the tests; the caller is told "wrong" or "expired" at most.</summary>
public enum TokenFault { None, TooLong, Form, Algorithm, Key, Signature, Claims, Expired, NotYet, SignedOut, NoUser }

/// <summary>
/// A JWT taken apart, strictly: padding, a member given twice, a critical extension and a number that is none are refused. A key that
/// a token brings along is looked at by nobody.
/// </summary>
internal readonly struct TokenText
{
    private const int Longest = 8 << 10;
    private const double LastSecond = 253402300799; // of the year 9999
    private const int MostDepth = 16; // what other issuers put into theirs
    internal static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false, MaxDepth = MostDepth };

    public string Algorithm { get; private init; }

    public string Kid { get; private init; }

    /// <summary>Null: it says none.</summary>
    public string? Type { get; private init; }

    /// <summary>Its head has nothing but algorithm, type and key, as ours do.</summary>
    public bool IsPlain { get; private init; }

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
        try
        {
            using JsonDocument document = JsonDocument.Parse(head, s_strict);
            JsonElement json = document.RootElement;
            if (json.ValueKind != JsonValueKind.Object)
            {
                return TokenFault.Form;
            }
            if (Text(json, "alg") is not { } algorithm)
            {
                return TokenFault.Algorithm;
            }
            bool plain = true;
            foreach (JsonProperty member in json.EnumerateObject())
            {
                // What is not done here, and must not be passed over (RFC 7515, 4.1.11; RFC 7516; RFC 7797).
                if (member.Name is "crit" or "zip" or "enc" or "b64" || (member.Name == "typ" && Text(json, "typ") is null))
                {
                    return TokenFault.Form;
                }
                plain &= member.Name is "alg" or "typ" or "kid";
            }
            parts = new TokenText
            {
                Algorithm = algorithm, Kid = Text(json, "kid") ?? "", Type = Text(json, "typ"), IsPlain = plain,
                Signed = Encoding.ASCII.GetBytes(token[..token.LastIndexOf('.')]), Signature = signature, ClaimsJson = claims,
            };
            return TokenFault.None;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return TokenFault.Form; // InvalidOperation: a string with half a surrogate
        }
    }

    /// <summary>What stands in it; of no worth before the signature has been found right.</summary>
    public JsonDocument? Claims()
    {
        try
        {
            return JsonDocument.Parse(ClaimsJson, s_strict);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null; // InvalidOperation: a name with half a surrogate
        }
    }

    /// <summary>Null: it counts now.</summary>
    public static TokenFault? Untimely(DateTimeOffset expires, DateTimeOffset notBefore, DateTimeOffset now) =>
        expires + Skew <= now ? TokenFault.Expired : notBefore - Skew > now ? TokenFault.NotYet : null;

    public static string? Text(JsonElement of, string name) =>
        of.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static bool TryTime(JsonElement claims, string name, out DateTimeOffset time)
    {
        time = default;
        // 1e999 reads as infinity, which would never expire.
        if (!claims.TryGetProperty(name, out JsonElement value) || value.ValueKind != JsonValueKind.Number
            || !value.TryGetDouble(out double seconds) || !double.IsFinite(seconds) || seconds < 0 || seconds > LastSecond - Skew.TotalSeconds)
        {
            return false;
        }
        time = DateTimeOffset.FromUnixTimeSeconds((long)seconds);
        return true;
    }

    // The library's decoder lets white space, padding and stray bits pass: a token would have many spellings.
    public static bool TryDecode(string text, out byte[] bytes)
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
