using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace XLive.Server.Access;

/// <summary>
/// Keys for what this server itself has begun to publish with, the encoders of live.ladder: each opens one stream, for as long as it is wanted. They
/// are in no database, and rules for strangers' addresses do not concern them.
/// </summary>
public sealed class OwnPublishers
{
    private const string KeyName = "key=", Prefix = "own_";

    private readonly ConcurrentDictionary<string, (string App, string Stream, string Holder, string MadeOf)> _keys = new(StringComparer.Ordinal);

    public int Count => _keys.Count;

    /// <param name="holder">Who publishes; the same one takes the stream up again after a loss.</param>
    /// <param name="madeOf">The stream, app/name, whose times it has.</param>
    /// <returns>The query of the stream's name.</returns>
    public string Give(string app, string stream, string holder, string madeOf)
    {
        var key = Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        _keys[key] = (app, stream, holder, madeOf);
        return KeyName + key;
    }

    public void Take(string query) => _keys.TryRemove(query[KeyName.Length..], out _);

    internal PublishAdmission? Find(string app, string name, string query) =>
        query.StartsWith(KeyName + Prefix, StringComparison.Ordinal) && _keys.TryGetValue(query[KeyName.Length..], out var known)
            && known.App == app && known.Stream == name ? new(known.Holder, name, "") { MadeOf = known.MadeOf } : null;
}
