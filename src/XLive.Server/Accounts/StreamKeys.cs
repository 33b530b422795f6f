using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using XLive.Server.Storage;

namespace XLive.Server.Accounts;

/// <summary>What an encoder publishes a stream by. The key itself is shown once and kept nowhere.</summary>
/// <param name="Id">To name it by.</param>
/// <param name="Stream">app/stream: where it is watched, whatever the encoder calls it.</param>
/// <param name="Name">What it is for, in the operator's words; may be empty.</param>
/// <param name="Expires">Null: never. Who publishes then goes on.</param>
public sealed record StreamKey(string Id, string Stream, DateTimeOffset Created, string Name, DateTimeOffset? Expires)
{
    internal const string Columns = "id, stream, created, name, expires";

    internal static StreamKey Read(SqlRow row) => new(row.Text(0), row.Text(1), row.Time(2), row.Text(3), row.IsNull(4) ? null : row.Time(4));
}

public enum KeyChange { Done, Unknown, Stale }

/// <summary>The stream keys in the database. A stream may have several, so that one can be given up while another is in use.</summary>
public sealed class StreamKeys(Database db, TimeProvider clock)
{
    // Like an API token's: whoever finds one knows what it is, and may search for others like it.
    private const string Prefix = "sk_";

    /// <summary>Before the id of the key, where it is told who publishes.</summary>
    public const string Holder = "key ";

    // Those that were right lately: while the database is away an encoder that comes back is let in all the same.
    private const int MostRemembered = 1024;

    private readonly ConcurrentDictionary<string, StreamKey> _remembered = new(StringComparer.Ordinal);

    public static bool IsKey(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    public const int Most = 100_000;
    public const int LongestName = 64;

    public IReadOnlyList<StreamKey> All => db.Query($"SELECT {StreamKey.Columns} FROM stream_keys ORDER BY stream, created, id", StreamKey.Read);

    public Task<IReadOnlyList<StreamKey>> AllAsync() => db.RunAsync(_ => All);

    /// <summary>A new key, as the encoder will send it.</summary>
    public string Make(string stream, out string id, string name = "", DateTimeOffset? expires = null)
    {
        // 128 bits, so that one hash guards it: nobody guesses a key, and none is worth a slow one.
        var key = Prefix + System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        id = RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz23456789", 8);
        db.Execute("INSERT INTO stream_keys (id, hash, stream, created, name, expires) VALUES ($1, $2, $3, $4, $5, $6)",
            id, HashOf(key), stream, clock.GetUtcNow(), name, ValueOf(expires));
        return key;
    }

    /// <summary>The same off the caller's thread; null when there are too many.</summary>
    public Task<(string Key, StreamKey Made)?> MakeAsync(string stream, string name, DateTimeOffset? expires) => db.RunAsync<(string, StreamKey)?>(d =>
    {
        if (d.First("SELECT COUNT(*) FROM stream_keys", static row => row.Int64(0)) >= Most)
            return null;
        var key = Make(stream, out var id, name, expires);
        return (key, Load(id)!);
    });

    public Task<StreamKey?> LoadAsync(string id) => db.RunAsync(_ => Load(id));

    /// <param name="isSeen">Whether it is still the one that the caller has in mind.</param>
    public Task<KeyChange> ChangeAsync(string id, Func<StreamKey, bool> isSeen, Func<StreamKey, StreamKey> change) => db.RunAsync(d => d.Transaction(() =>
    {
        if (Load(id) is not { } key)
            return KeyChange.Unknown;
        if (!isSeen(key))
            return KeyChange.Stale;
        var after = change(key);
        d.Execute("UPDATE stream_keys SET name = $2, expires = $3 WHERE id = $1", id, after.Name, ValueOf(after.Expires));
        return KeyChange.Done;
    }));

    public Task<KeyChange> RemoveAsync(string id, Func<StreamKey, bool> isSeen) => db.RunAsync(d => d.Transaction(() =>
    {
        if (Load(id) is not { } key)
            return KeyChange.Unknown;
        if (!isSeen(key))
            return KeyChange.Stale;
        d.Execute("DELETE FROM stream_keys WHERE id = $1", id);
        return KeyChange.Done;
    }));

    private StreamKey? Load(string id) => db.First($"SELECT {StreamKey.Columns} FROM stream_keys WHERE id = $1", StreamKey.Read, id);

    private static SqlValue ValueOf(DateTimeOffset? time) => time is { } at ? at : default(SqlValue);

    public bool Remove(string id) => db.Execute("DELETE FROM stream_keys WHERE id = $1", id) > 0;

    /// <summary>Which of these keys there still are. For a look now and then: it waits for the database.</summary>
    /// <exception cref="DatabaseException">It cannot be asked.</exception>
    public IReadOnlySet<string> StillThere(IReadOnlyCollection<string> ids)
    {
        var there = new HashSet<string>(StringComparer.Ordinal);
        foreach (var id in ids)
        {
            if (db.First("SELECT id FROM stream_keys WHERE id = $1", static row => row.Text(0), id) is { } found)
                there.Add(found);
        }
        return there;
    }

    /// <summary>Null: there is none, or no more.</summary>
    /// <exception cref="DatabaseException">It cannot be asked, and the key is not known from before.</exception>
    public async Task<StreamKey?> FindAsync(string key)
    {
        var hash = HashOf(key);
        var name = Convert.ToHexString(hash);
        StreamKey? found;
        try
        {
            found = await db.RunAsync(d => d.First($"SELECT {StreamKey.Columns} FROM stream_keys WHERE hash = $1", StreamKey.Read, hash));
            if (found is null)
                _remembered.TryRemove(name, out _);
            else if (_remembered.Count < MostRemembered)
                _remembered[name] = found;
        }
        catch (DatabaseException) when (_remembered.ContainsKey(name))
        {
            _remembered.TryGetValue(name, out found);
        }
        return found?.Expires <= clock.GetUtcNow() ? null : found;
    }

    private static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
