using System.Collections.Concurrent;
using System.Security.Cryptography;
using XLive.Server.Storage;

namespace XLive.Server.Accounts;

public enum TokenMaking { Done, NameTaken, TooMany }

/// <summary>
/// API tokens: of 32 random bytes, of which the database has one hash, for there is nothing to guess. A request finds them in memory, so
/// they count while the database is away. One that is revoked counts no more at once, on other nodes within two seconds.
/// </summary>
public sealed class ApiTokens(Database db, KnownAccounts known, TimeProvider clock)
{
    public const int Most = 1000;

    /// <summary>Before the id, where it is told who publishes.</summary>
    public const string Holder = "token ";

    private const string Prefix = "xl_";

    private static readonly TimeSpan s_betweenWrites = TimeSpan.FromMinutes(1);

    // Unix seconds by id. A write for each request would make the database the measure of the API.
    private readonly ConcurrentDictionary<string, long> _used = new(StringComparer.Ordinal);
    private long _written = clock.GetTimestamp();

    /// <summary>As far as this process has asked.</summary>
    public int Count => known.TokensKnown;

    public static bool IsToken(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>All of them by name, as this process knows them now.</summary>
    public async Task<IReadOnlyList<ApiToken>> AllAsync()
    {
        await known.FreshAsync();
        return [.. known.Tokens.Select(WithUse).OrderBy(static t => t.Name, StringComparer.Ordinal)];
    }

    /// <param name="token">As the machine will send it; told here and nowhere else.</param>
    public Task<(TokenMaking Made, ApiToken? Token, string Secret)> MakeAsync(
        string name, Permission permissions, StreamPatterns streams, DateTimeOffset? expires, string by)
    {
        if (!User.IsName(name))
        {
            throw new ArgumentException("a token's name is up to 64 letters, digits and . _ - @", nameof(name));
        }
        string secret = Prefix + KeyFiles.RandomText();
        ApiToken token = new(RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz23456789", 8), name, permissions, streams, by,
            DateTimeOffset.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds()), expires, null);
        return db.RunAsync<(TokenMaking, ApiToken?, string)>(d =>
        {
            TokenMaking made = d.Transaction(() =>
            {
                if (d.First("SELECT COUNT(*) FROM api_tokens", static row => row.Int64(0)) >= Most)
                {
                    return TokenMaking.TooMany;
                }
                int rows = d.Execute("INSERT INTO api_tokens (id, name, hash, permissions, streams, made_by, created, expires) "
                    + "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING", token.Id, name, OneTimeLinks.Hash(secret), (long)permissions,
                    streams.ToString(), by, token.Created, expires is { } end ? end : default(SqlValue));
                return rows > 0 ? TokenMaking.Done : TokenMaking.NameTaken;
            });
            known.Reload();
            return made == TokenMaking.Done ? (made, token, secret) : (made, null, "");
        });
    }

    /// <summary>The name that it had; null when there is none.</summary>
    public Task<string?> RemoveAsync(string id) => db.RunAsync(d =>
    {
        string? name = d.Transaction(() => d.First("DELETE FROM api_tokens WHERE id = $1 RETURNING name", static row => row.Text(0), id));
        known.Reload();
        return name;
    });

    /// <summary>Which of these tokens there still are. For a look now and then: it waits for the database.</summary>
    /// <exception cref="DatabaseException">It cannot be asked.</exception>
    public IReadOnlySet<string> StillThere(IReadOnlyCollection<string> ids)
    {
        HashSet<string> there = new(StringComparer.Ordinal);
        foreach (string id in ids)
        {
            if (db.First("SELECT id FROM api_tokens WHERE id = $1", static row => row.Text(0), id) is { } found)
            {
                there.Add(found);
            }
        }
        return there;
    }

    /// <summary>Whose it is. The caller has waited for <see cref="KnownAccounts.FreshAsync"/>.</summary>
    internal (SignedIn? Who, TokenFault Fault) Read(string token)
    {
        if (token.Length > 64 || known.FindToken(Convert.ToHexString(OneTimeLinks.Hash(token))) is not { } found)
        {
            return (null, TokenFault.Key);
        }
        DateTimeOffset now = clock.GetUtcNow();
        if (found.Expires <= now)
        {
            return (null, TokenFault.Expired);
        }
        _used[found.Id] = now.ToUnixTimeSeconds();
        return (new SignedIn(Holder + found.Name, found.Permissions, null, found.Expires ?? DateTimeOffset.MaxValue)
        {
            By = Proof.ApiToken, Streams = found.Streams, Holder = Holder + found.Id,
        }, TokenFault.None);
    }

    /// <summary>Writes down when tokens were used, once a minute at most; what cannot be written waits.</summary>
    internal void StoreUses(bool atOnce = false)
    {
        if (_used.IsEmpty || (!atOnce && clock.GetElapsedTime(_written) < s_betweenWrites) || db.Away is not null)
        {
            return;
        }
        _written = clock.GetTimestamp();
        KeyValuePair<string, long>[] uses = [.. _used];
        try
        {
            db.Transaction(() => db.ExecuteEach("UPDATE api_tokens SET used = $2 WHERE id = $1 AND (used IS NULL OR used < $3)",
                [.. uses.Select(static u => new SqlValue[] { u.Key, u.Value, u.Value })]));
            known.Reload();
        }
        catch (DatabaseException)
        {
            return;
        }
        foreach (KeyValuePair<string, long> use in uses)
        {
            _used.TryRemove(use); // not when it was used again meanwhile
        }
    }

    private ApiToken WithUse(ApiToken token) => _used.TryGetValue(token.Id, out long used) && !(token.Used?.ToUnixTimeSeconds() >= used)
        ? token with { Used = DateTimeOffset.FromUnixTimeSeconds(used) }
        : token;
}
