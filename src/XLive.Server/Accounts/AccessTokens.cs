using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using XLive.Server.Storage;

namespace XLive.Server.Accounts;

/// <summary>
/// Access tokens: JWTs signed with ES256 by a key of data/keys. The class library's ECDsa and nothing more: one algorithm, one issuer,
/// one form, so none of the choices that JWT libraries have been broken by are there to make.
/// </summary>
public sealed class AccessTokens : IDisposable
{
    internal const string Issuer = "xlive";
    private const string Prefix = "jwt-";
    private const string Suffix = ".pem";
    private const int SignatureBytes = 64; // r and s as they are, not DER

    private readonly AuthOptions _options;
    private readonly TimeProvider _clock;
    private readonly Dictionary<string, SigningKey> _keys = new(StringComparer.Ordinal);
    private readonly SigningKey _newest;

    public AccessTokens(KeyFiles files, AuthOptions options, TimeProvider clock)
    {
        _options = options;
        _clock = clock;
        if (files.Names(Prefix, Suffix).Count == 0)
        {
            // The time first, so that the newest key is the last by name, after a restore from a backup too.
            string made = clock.GetUtcNow().ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture);
            files.Create($"{Prefix}{made}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}{Suffix}", MakeKey());
        }
        foreach (string name in files.Names(Prefix, Suffix))
        {
            string kid = name[Prefix.Length..^Suffix.Length];
            _keys[kid] = new SigningKey(kid, files.Read(name)!);
        }
        _newest = _keys.MaxBy(k => k.Key, StringComparer.Ordinal).Value;
    }

    public TimeSpan Lifetime => _options.TokenLifetime;

    public string Issue(User user, string signInId)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        string head = Part(json =>
        {
            json.WriteString("alg"u8, "ES256"u8);
            json.WriteString("typ"u8, "JWT"u8);
            json.WriteString("kid"u8, _newest.Kid);
        });
        string claims = Part(json =>
        {
            json.WriteString("iss"u8, Issuer);
            json.WriteString("aud"u8, Issuer);
            json.WriteString("sub"u8, user.Name);
            json.WriteStartArray("permissions"u8);
            foreach (string permission in user.Permissions.Names())
            {
                json.WriteStringValue(permission);
            }
            json.WriteEndArray();
            json.WriteNumber("iat"u8, now.ToUnixTimeSeconds());
            json.WriteNumber("exp"u8, (now + _options.TokenLifetime).ToUnixTimeSeconds());
            json.WriteString("jti"u8, Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(12)));
            json.WriteString("sid"u8, signInId);
        });
        string signed = $"{head}.{claims}";
        return $"{signed}.{Base64Url.EncodeToString(_newest.Sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>Says whose it is, by form, signature and time.</summary>
    public (SignedIn? Who, TokenFault Fault) Verify(string token)
    {
        TokenFault fault = TokenText.Split(token, out TokenText parts);
        return fault == TokenFault.None ? Verify(parts) : (null, fault);
    }

    internal bool Has(string kid) => _keys.ContainsKey(kid);

    /// <summary>Whether the sign-in has ended since is asked of <see cref="Bearers"/>.</summary>
    internal (SignedIn? Who, TokenFault Fault) Verify(in TokenText parts)
    {
        TokenFault fault = Unlike(parts);
        if (fault != TokenFault.None)
        {
            return (null, fault);
        }
        if (!_keys.TryGetValue(parts.Kid, out SigningKey? key))
        {
            return (null, TokenFault.Key);
        }
        // Claims are looked at only after it: nobody learns anything from a parser who cannot sign.
        return key.Verifies(parts.Signed, parts.Signature) ? Claims(parts, _clock.GetUtcNow()) : (null, TokenFault.Signature);
    }

    /// <summary>What this server would not have written is refused before a key is looked for.</summary>
    internal static TokenFault Unlike(in TokenText parts)
    {
        if (parts.Algorithm != "ES256")
        {
            return TokenFault.Algorithm;
        }
        if (!parts.IsPlain || parts.Type is not (null or "JWT"))
        {
            return TokenFault.Form;
        }
        return parts.Signature.Length == SignatureBytes ? TokenFault.None : TokenFault.Signature;
    }

    internal static (SignedIn? Who, TokenFault Fault) Claims(in TokenText parts, DateTimeOffset now)
    {
        using JsonDocument? document = parts.Claims();
        try
        {
            if (document?.RootElement is not { ValueKind: JsonValueKind.Object } claims
                || TokenText.Text(claims, "iss") != Issuer || TokenText.Text(claims, "aud") != Issuer
                || TokenText.Text(claims, "sub") is not { } name || !User.IsName(name) || TokenText.Text(claims, "sid") is not { Length: > 0 } signIn
                || !TryPermissions(claims, out Permission permissions)
                || !TokenText.TryTime(claims, "exp", out DateTimeOffset expires) || !TokenText.TryTime(claims, "iat", out DateTimeOffset issued))
            {
                return (null, TokenFault.Claims);
            }
            DateTimeOffset notBefore = issued;
            if (claims.TryGetProperty("nbf", out _) && !TokenText.TryTime(claims, "nbf", out notBefore))
            {
                return (null, TokenFault.Claims);
            }
            return TokenText.Untimely(expires, notBefore > issued ? notBefore : issued, now) is { } fault
                ? (null, fault)
                : (new SignedIn(name, permissions, signIn, expires), TokenFault.None);
        }
        catch (InvalidOperationException)
        {
            return (null, TokenFault.Claims); // a string with half a surrogate
        }
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

    public void Dispose()
    {
        foreach (SigningKey key in _keys.Values)
        {
            key.Dispose();
        }
    }

    private static string MakeKey()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKeyPem();
    }

    private static string Part(Action<Utf8JsonWriter> members)
    {
        using MemoryStream text = new(256);
        using (Utf8JsonWriter json = new(text))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        return Base64Url.EncodeToString(text.GetBuffer().AsSpan(0, (int)text.Length));
    }

    private sealed class SigningKey : IDisposable
    {
        private readonly ECDsa _key = ECDsa.Create();
        private readonly Lock _gate = new(); // ECDsa promises nothing to two threads at once

        public SigningKey(string kid, string pem)
        {
            Kid = kid;
            _key.ImportFromPem(pem);
            if (_key.KeySize != 256)
            {
                throw new InvalidDataException($"{Prefix}{kid}{Suffix} is not a P-256 key");
            }
        }

        public string Kid { get; }

        public byte[] Sign(byte[] text)
        {
            lock (_gate)
            {
                return _key.SignData(text, HashAlgorithmName.SHA256);
            }
        }

        public bool Verifies(byte[] text, byte[] signature)
        {
            lock (_gate)
            {
                return _key.VerifyData(text, signature, HashAlgorithmName.SHA256);
            }
        }

        public void Dispose() => _key.Dispose();
    }
}
