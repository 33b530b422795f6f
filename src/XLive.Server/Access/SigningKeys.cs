using System.Security.Cryptography;

namespace XLive.Server.Access;

/// <summary>One secret shared with the user's site. Times are Unix seconds; the site signs with one key while others still count.</summary>
public sealed class SigningKey
{
    public const int MinSecretBytes = 16;
    private const int HashBlock = 64;

    private readonly byte[] kidBytes;
    private readonly byte[] secret;

    /// <exception cref="FormatException">The message names the key, never the secret.</exception>
    public SigningKey(string kid, ReadOnlySpan<byte> secret, long notBefore = long.MinValue, long notAfter = long.MaxValue)
    {
        kidBytes = GrantText.Bytes(kid);
        if (kidBytes.Length > GrantText.MaxUidBytes || !GrantText.IsClean(kidBytes))
            throw new FormatException($"key id '{kid}': up to {GrantText.MaxUidBytes} bytes without control characters");
        if (secret.Length < MinSecretBytes)
            throw new FormatException($"the secret of key '{kid}' has {secret.Length} bytes; at least {MinSecretBytes} are needed");
        if (notBefore > notAfter)
            throw new FormatException($"key '{kid}' ends before it begins");
        // HMAC hashes a longer secret first. Done here once, every key takes the same time to check.
        this.secret = secret.Length > HashBlock ? SHA256.HashData(secret) : secret.ToArray();
        Kid = kid;
        NotBefore = notBefore;
        NotAfter = notAfter;
    }

    public string Kid { get; }

    public long NotBefore { get; }

    public long NotAfter { get; }

    internal ReadOnlySpan<byte> KidBytes => kidBytes;

    internal ReadOnlySpan<byte> Secret => secret;

    /// <summary>A debugger, a log line or an exception shows the id alone.</summary>
    public override string ToString() => $"key '{Kid}'";
}

/// <summary>The keys that count now. Immutable: a change of the settings makes a new one.</summary>
public sealed class SigningKeys
{
    public static readonly SigningKeys None = new([]);

    private readonly SigningKey[] keys;

    // An unknown id is checked against a secret that nobody has, so that its answer takes as long as a wrong token's.
    private readonly SigningKey nobodys = new("", RandomNumberGenerator.GetBytes(GrantText.TokenBytes));

    /// <exception cref="FormatException">Two keys have one id.</exception>
    public SigningKeys(IEnumerable<SigningKey> keys)
    {
        this.keys = [.. keys];
        for (int i = 0; i < this.keys.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (this.keys[i].Kid == this.keys[j].Kid)
                    throw new FormatException(
                        $"two keys have the id '{this.keys[i].Kid}'" + (this.keys[i].Kid.Length == 0 ? " (access.secret is the key with the empty id)" : ""));
            }
        }
    }

    public int Count => keys.Length;

    public IReadOnlyList<SigningKey> All => keys;

    internal SigningKey Find(ReadOnlySpan<byte> kid, out bool known)
    {
        foreach (SigningKey key in keys)
        {
            if (kid.SequenceEqual(key.KidBytes))
            {
                known = true;
                return key;
            }
        }
        known = false;
        return nobodys;
    }
}
