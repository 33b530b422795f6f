using System.Security.Cryptography;

namespace XLive.Server.Access;

/// <summary>One secret shared with the user's site. Times are Unix seconds; the site signs with one key while others still count.</summary>
public sealed class SigningKey
{
    public const int MinSecretBytes = 16;
    private const int HashBlock = 64;

    private readonly byte[] _kidBytes;
    private readonly byte[] _secret;

    /// <exception cref="FormatException">The message names the key, never the secret.</exception>
    public SigningKey(string kid, ReadOnlySpan<byte> secret, long notBefore = long.MinValue, long notAfter = long.MaxValue)
    {
        _kidBytes = GrantText.Bytes(kid);
        if (_kidBytes.Length > GrantText.MaxUidBytes || !GrantText.IsClean(_kidBytes))
            throw new FormatException($"key id '{kid}': up to {GrantText.MaxUidBytes} bytes without control characters");
        if (secret.Length < MinSecretBytes)
            throw new FormatException($"the secret of key '{kid}' has {secret.Length} bytes; at least {MinSecretBytes} are needed");
        if (notBefore > notAfter)
            throw new FormatException($"key '{kid}' ends before it begins");
        // HMAC hashes a longer secret first. Done here once, every key takes the same time to check.
        _secret = secret.Length > HashBlock ? SHA256.HashData(secret) : secret.ToArray();
        Kid = kid;
        NotBefore = notBefore;
        NotAfter = notAfter;
    }

    public string Kid { get; }

    public long NotBefore { get; }

    public long NotAfter { get; }

    internal ReadOnlySpan<byte> KidBytes => _kidBytes;

    internal ReadOnlySpan<byte> Secret => _secret;

    /// <summary>A debugger, a log line or an exception shows the id alone.</summary>
    public override string ToString() => $"key '{Kid}'";
}

/// <summary>The keys that count now. Immutable: a change of the settings makes a new one.</summary>
public sealed class SigningKeys
{
    public static readonly SigningKeys None = new([]);

    private readonly SigningKey[] _keys;

    // An unknown id is checked against a secret that nobody has, so that its answer takes as long as a wrong token's.
    private readonly SigningKey _nobodys = new("", RandomNumberGenerator.GetBytes(GrantText.TokenBytes));

    /// <exception cref="FormatException">Two keys have one id.</exception>
    public SigningKeys(IEnumerable<SigningKey> keys)
    {
        _keys = [.. keys];
        for (int i = 0; i < _keys.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (_keys[i].Kid == _keys[j].Kid)
                    throw new FormatException(
                        $"two keys have the id '{_keys[i].Kid}'" + (_keys[i].Kid.Length == 0 ? " (access.secret is the key with the empty id)" : ""));
            }
        }
    }

    public int Count => _keys.Length;

    public IReadOnlyList<SigningKey> All => _keys;

    internal SigningKey Find(ReadOnlySpan<byte> kid, out bool known)
    {
        foreach (SigningKey key in _keys)
        {
            if (kid.SequenceEqual(key.KidBytes))
            {
                known = true;
                return key;
            }
        }
        known = false;
        return _nobodys;
    }
}
