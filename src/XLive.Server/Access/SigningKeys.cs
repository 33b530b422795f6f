using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace XLive.Server.Access;

/// <summary>One secret shared with the user's site. Times are Unix seconds; the site signs with one key while others still count.</summary>
public sealed class SigningKey
{
    public const int MinSecretBytes = 16;

    /// <summary>A block of SHA-256: as long as every secret is once HMAC has it.</summary>
    internal const int HashBlock = 64;

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
        // What HMAC does to every secret first (RFC 2104 section 2): a longer one is hashed, and all are filled up to a block with
        // zeros. Done here once, every key takes the same time to check, to the nanosecond.
        _secret = new byte[HashBlock];
        if (secret.Length > HashBlock)
            SHA256.HashData(secret, _secret);
        else
            secret.CopyTo(_secret);
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

    // The keys, and behind them the one of an unknown id: a secret that nobody has, so that its answer takes as long as a wrong token's.
    private readonly SigningKey[] _candidates;

    /// <exception cref="FormatException">Two keys have one id.</exception>
    public SigningKeys(IEnumerable<SigningKey> keys)
    {
        _keys = [.. keys];
        _candidates = [.. _keys, new SigningKey("", RandomNumberGenerator.GetBytes(GrantText.TokenBytes))];
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

    /// <summary>
    /// Goes through all keys and takes from every secret, with a mask of ones for one of them at most. A scan that stops where it finds
    /// one takes 3 ns less, and a branch or another place in memory still makes half a nanosecond: a million tries tell either.
    /// </summary>
    /// <param name="secret">A block, for the MAC.</param>
    internal SigningKey Find(ReadOnlySpan<byte> kid, Span<byte> secret, out bool known)
    {
        Span<ulong> chosen = MemoryMarshal.Cast<byte, ulong>(secret);
        int nobody = _keys.Length, found = nobody;
        MemoryMarshal.Cast<byte, ulong>(_candidates[nobody].Secret).CopyTo(chosen);
        for (int i = 0; i < nobody; i++)
        {
            int isIt = -Unsafe.BitCast<bool, byte>(kid.SequenceEqual(_candidates[i].KidBytes));
            found ^= (found ^ i) & isIt;
            ulong mask = (ulong)(long)isIt;
            ReadOnlySpan<ulong> own = MemoryMarshal.Cast<byte, ulong>(_candidates[i].Secret);
            for (int j = 0; j < chosen.Length && j < own.Length; j++)
                chosen[j] ^= (chosen[j] ^ own[j]) & mask;
        }
        known = found != nobody;
        return _candidates[found];
    }
}
