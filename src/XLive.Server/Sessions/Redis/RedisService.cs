using System.Security.Cryptography;
using System.Text;
using XLive.Server.Settings;
using XLive.Server.Storage.Redis;

namespace XLive.Server.Sessions.Redis;

/// <summary>
/// Nodes of one Redis are one service: with another server.secret each would refuse the others' viewers, with another database it would
/// not know their users. A fingerprint of both lies there for as long as a node is there.
/// </summary>
public sealed class RedisService(string secret, string database)
{
    public const string Words = "other nodes that share it have another server.secret or database.url";

    private static readonly TimeSpan Lasts = TimeSpan.FromSeconds(60);

    private static readonly RedisScript Agree = new("""
        local was = redis.call('GET', KEYS[1])
        if was and was ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 1
        """);

    // What can be read there must not help to guess either: keyed by the one, and a cut of it.
    private readonly string _print = Convert.ToHexStringLower(HMACSHA256.HashData(
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), 32, [], "xlive nodes of one service 1"u8.ToArray()),
        Encoding.UTF8.GetBytes(database)).AsSpan(0, 16));

    /// <summary>What was said last: another service lives there.</summary>
    public bool IsForeign { get; private set; }

    internal async Task<bool?> AgreesAsync(RedisKeys keys)
    {
        var answer = await keys.AskAsync(Agree, [(RedisKeys.Service, "string")], _print, (long)Lasts.TotalMilliseconds);
        if (answer.IsError)
            return null;
        IsForeign = answer.Number == 0;
        return !IsForeign;
    }

    public SettingsException Fault() => new([new SettingsFault("settings", 0, "redis.url",
        Words + "; give all nodes the same ones (a node that has ended is forgotten after a minute)")]);
}
