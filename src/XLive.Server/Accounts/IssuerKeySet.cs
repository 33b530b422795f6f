using System.Collections.Frozen;
using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;

namespace XLive.Server.Accounts;

/// <summary>A public key of the other issuer, for the algorithms that go with it and no other.</summary>
internal sealed class IssuerKey(string? algorithm, ECDsa? curve, RSA? modulus)
{
    private const int CurveSignature = 64; // r and s as they are, not DER

    private readonly Lock _gate = new(); // neither promises anything to two threads at once

    /// <summary>By the kind of key: a token that says HS256 has its MAC compared with nothing, least of all with a public key.</summary>
    public TokenFault Verify(in TokenText token)
    {
        string said = token.Algorithm;
        if ((algorithm is not null && algorithm != said) || (said == "ES256" ? curve is null : said is not ("RS256" or "PS256") || modulus is null))
        {
            return TokenFault.Algorithm;
        }
        lock (_gate)
        {
            bool right = curve is not null
                ? token.Signature.Length == CurveSignature && curve.VerifyData(token.Signed, token.Signature, HashAlgorithmName.SHA256)
                : modulus!.VerifyData(token.Signed, token.Signature, HashAlgorithmName.SHA256, said == "PS256" ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
            return right ? TokenFault.None : TokenFault.Signature;
        }
    }
}

/// <summary>
/// A JWK Set (RFC 7517), as far as it is of use: signing keys with an id, P-256 or RSA. What else stands there is passed over, for an
/// issuer serves others too. Of two keys with one id neither counts, and neither does one that comes with its private half.
/// </summary>
internal sealed class IssuerKeySet
{
    public const int MostKeys = 64;
    public const int LongestKid = 256;

    private const int CoordinateBytes = 32;
    private const int LeastModulus = 2048 / 8, MostModulus = 4096 / 8;
    private const int MostExponent = 4;

    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false, MaxDepth = 8 };

    private readonly FrozenDictionary<string, IssuerKey> _keys;

    private IssuerKeySet(Dictionary<string, IssuerKey> keys) => _keys = keys.ToFrozenDictionary(StringComparer.Ordinal);

    public static IssuerKeySet Empty { get; } = new([]);

    public int Count => _keys.Count;

    public IssuerKey? Find(string kid) => _keys.GetValueOrDefault(kid);

    /// <exception cref="FormatException">It is no set, or one beyond all measure.</exception>
    public static IssuerKeySet Parse(ReadOnlyMemory<byte> text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, s_strict);
            if (document.RootElement is not { ValueKind: JsonValueKind.Object } root || !root.TryGetProperty("keys", out JsonElement list)
                || list.ValueKind != JsonValueKind.Array)
            {
                throw new FormatException("it is no set of keys");
            }
            if (list.GetArrayLength() > MostKeys)
            {
                throw new FormatException($"it has more than {MostKeys} keys");
            }
            Dictionary<string, IssuerKey> keys = new(StringComparer.Ordinal);
            HashSet<string> twice = new(StringComparer.Ordinal);
            foreach (JsonElement member in list.EnumerateArray())
            {
                if (member.ValueKind == JsonValueKind.Object && Key(member, out string kid) is { } key && !keys.TryAdd(kid, key))
                {
                    twice.Add(kid);
                }
            }
            foreach (string kid in twice)
            {
                keys.Remove(kid);
            }
            return new IssuerKeySet(keys);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            throw new FormatException("it is no well-formed JSON", fault); // InvalidOperation: a string with half a surrogate
        }
    }

    private static IssuerKey? Key(JsonElement member, out string kid)
    {
        kid = TokenText.Text(member, "kid") ?? "";
        string? algorithm = TokenText.Text(member, "alg");
        if (kid.Length is 0 or > LongestKid || member.TryGetProperty("d", out _) || !IsForSignatures(member)
            || algorithm is not (null or "ES256" or "RS256" or "PS256") || (algorithm is null && member.TryGetProperty("alg", out _)))
        {
            return null;
        }
        try
        {
            return TokenText.Text(member, "kty") switch
            {
                "EC" when TokenText.Text(member, "crv") == "P-256" => OfCurve(member, algorithm),
                "RSA" => OfModulus(member, algorithm),
                _ => null,
            };
        }
        catch (CryptographicException)
        {
            return null; // a point that is not on the curve
        }
    }

    private static bool IsForSignatures(JsonElement member)
    {
        if (member.TryGetProperty("use", out _) && TokenText.Text(member, "use") != "sig")
        {
            return false;
        }
        if (!member.TryGetProperty("key_ops", out JsonElement uses))
        {
            return true;
        }
        return uses.ValueKind == JsonValueKind.Array
            && uses.EnumerateArray().Any(static u => u.ValueKind == JsonValueKind.String && u.GetString() == "verify");
    }

    private static IssuerKey? OfCurve(JsonElement member, string? algorithm)
    {
        if (Number(member, "x") is not { Length: CoordinateBytes } x || Number(member, "y") is not { Length: CoordinateBytes } y)
        {
            return null;
        }
        return new IssuerKey(algorithm, ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = x, Y = y } }), null);
    }

    private static IssuerKey? OfModulus(JsonElement member, string? algorithm)
    {
        byte[] n = [.. (Number(member, "n") ?? []).SkipWhile(static b => b == 0)];
        byte[] e = [.. (Number(member, "e") ?? []).SkipWhile(static b => b == 0)];
        // One below 3 or even makes no key at all, a large one a signature that takes a second.
        if (n.Length is < LeastModulus or > MostModulus || n[0] < 0x80 || e.Length is 0 or > MostExponent
            || new BigInteger(e, isUnsigned: true, isBigEndian: true) is var exponent && (exponent < 3 || exponent.IsEven))
        {
            return null;
        }
        return new IssuerKey(algorithm, null, RSA.Create(new RSAParameters { Modulus = n, Exponent = e }));
    }

    private static byte[]? Number(JsonElement member, string name) =>
        TokenText.Text(member, name) is { } text && TokenText.TryDecode(text, out byte[] bytes) ? bytes : null;
}
