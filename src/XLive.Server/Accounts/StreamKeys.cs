using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using XLive.Server.Storage;

namespace XLive.Server.Accounts;

/// <summary>What an encoder publishes a stream by. The key itself is shown once and kept nowhere.</summary>
/// <param name="Id">To name it by.</param>
/// <param name="Stream">app/stream: where it is watched, whatever the encoder calls it.</param>
public sealed record StreamKey(string Id, string Stream, DateTimeOffset Created);

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

    public IReadOnlyList<StreamKey> All => db.Query("SELECT id, stream, created FROM stream_keys ORDER BY stream, created, id", Read);

    /// <summary>A new key, as the encoder will send it.</summary>
    public string Make(string stream, out string id)
    {
        // 128 bits, so that one hash guards it: nobody guesses a key, and none is worth a slow one.
        var key = Prefix + System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        id = RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz23456789", 8);
        db.Execute("INSERT INTO stream_keys (id, hash, stream, created) VALUES ($1, $2, $3, $4)", id, HashOf(key), stream, clock.GetUtcNow());
        return key;
    }

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

    /// <exception cref="DatabaseException">It cannot be asked, and the key is not known from before.</exception>
    public async Task<StreamKey?> FindAsync(string key)
    {
        var hash = HashOf(key);
        var name = Convert.ToHexString(hash);
        try
        {
            var found = await db.RunAsync(d => d.First("SELECT id, stream, created FROM stream_keys WHERE hash = $1", Read, hash));
            if (found is null)
                _remembered.TryRemove(name, out _);
            else if (_remembered.Count < MostRemembered)
                _remembered[name] = found;
            return found;
        }
        catch (DatabaseException) when (_remembered.TryGetValue(name, out var known))
        {
            return known;
        }
    }

    private static StreamKey Read(SqlRow row) => new(row.Text(0), row.Text(1), row.Time(2));

    private static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
