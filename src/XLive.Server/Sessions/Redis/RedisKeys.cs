using System.Text;
using XLive.Server.Storage.Redis;

namespace XLive.Server.Sessions.Redis;

/// <summary>
/// The names of all our keys, and what they hold. What stands in braces decides the slot in a cluster, so that the keys of one user, of
/// one node and of the revocations each lie together. Every one has an end: what no node renews is gone.
/// </summary>
internal sealed class RedisKeys(RedisClient client)
{
    /// <summary>A set of node names by when they were last there.</summary>
    public const string Nodes = RedisClient.Prefix + "nodes";

    /// <summary>A hash of what is revoked, and the number of its changes.</summary>
    public const string Revocations = RedisClient.Prefix + "{revoked}";
    public const string RevocationsVersion = RedisClient.Prefix + "{revoked}:version";

    /// <summary>The fingerprint of what nodes must have in common.</summary>
    public const string Service = RedisClient.Prefix + "service";

    /// <summary>Where nodes tell each other.</summary>
    public const string Channel = RedisClient.Prefix + "news";

    private static readonly TimeSpan Kept = TimeSpan.FromDays(1);

    private long _quarantined;

    /// <summary>Keys of ours that held what is not ours, and were put aside.</summary>
    public long Quarantined => Volatile.Read(ref _quarantined);

    /// <summary>A set of the user's sessions by the end of their leases. A uid may hold anything, braces too.</summary>
    public static string Places(string uid) => $"{RedisClient.Prefix}{{{Tag(uid)}}}:places";

    /// <summary>Sessions whose place was given to another, by when that may be forgotten.</summary>
    public static string Lost(string uid) => $"{RedisClient.Prefix}{{{Tag(uid)}}}:lost";

    /// <summary>A hash of the node's sessions.</summary>
    public static string Sessions(string node) => $"{RedisClient.Prefix}{{{node}}}:sessions";

    /// <summary>Their ids in order.</summary>
    public static string Order(string node) => $"{RedisClient.Prefix}{{{node}}}:order";

    private static string Tag(string uid) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(uid));

    /// <summary>
    /// Asks, and where a key of ours holds what is of another type puts that aside for a day and asks once more: left in place, it would
    /// break the same thing for ever.
    /// </summary>
    public async Task<RespValue> AskAsync(RedisScript script, (string Key, string Type)[] keys, params RedisWord[] words)
    {
        var names = Array.ConvertAll(keys, static k => k.Key);
        var answer = await client.EvalAsync(script, names, words);
        // Before version 7 the word stands somewhere in the message.
        if (!answer.IsError || !answer.Text.Contains("WRONGTYPE", StringComparison.Ordinal))
            return answer;
        foreach (var (key, type) in keys)
        {
            var found = await client.SendAsync(key, "TYPE", key);
            if (found.IsError || found.Text == type || found.Text == "none")
                continue;
            var aside = key + ":put-aside";
            await client.SendAsync(key, "RENAME", key, aside);
            await client.SendAsync(key, "PEXPIRE", aside, (long)Kept.TotalMilliseconds);
            Interlocked.Increment(ref _quarantined);
        }
        return await client.EvalAsync(script, names, words);
    }
}
