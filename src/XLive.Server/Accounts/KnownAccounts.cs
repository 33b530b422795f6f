using System.Collections.Frozen;
using XLive.Server.Storage;

namespace XLive.Server.Accounts;

/// <summary>
/// What a request needs to know of the database: the users, the API tokens, and the sign-ins that have ended while their access tokens still run.
/// Our own changes are seen at once, those of a command beside the server within two seconds. With the database out of reach what
/// was known stays.
/// </summary>
public sealed class KnownAccounts(Database db, TimeProvider clock, ILogger<KnownAccounts> log)
{
    private static readonly TimeSpan s_freshFor = TimeSpan.FromSeconds(2);

    // A token runs for a day at most, see AuthOptions.
    private static readonly TimeSpan s_longestToken = TimeSpan.FromDays(1) + TimeSpan.FromMinutes(5);

    private readonly Lock _reading = new();
    private volatile Snapshot? _known;
    private Task _refresh = Task.CompletedTask;
    private volatile bool _told;

    private sealed record Snapshot(
        FrozenDictionary<string, User> Users, FrozenDictionary<string, ApiToken> Tokens, FrozenSet<string> Ended, long Version, long Read);

    /// <summary>To be awaited before asking, on every request: nearly always done already.</summary>
    public ValueTask FreshAsync() =>
        _known is { } known && clock.GetElapsedTime(known.Read) < s_freshFor ? ValueTask.CompletedTask : new ValueTask(Refresh());

    public User? Find(string name) => Known.Users.GetValueOrDefault(name);

    public IReadOnlyCollection<User> All => Known.Users.Values;

    /// <param name="hash">Of the token, in hexadecimal.</param>
    internal ApiToken? FindToken(string hash) => Known.Tokens.GetValueOrDefault(hash);

    internal IReadOnlyCollection<ApiToken> Tokens => Known.Tokens.Values;

    /// <summary>Without a look into the database.</summary>
    internal int TokensKnown => _known?.Tokens.Count ?? 0;

    public bool HasEnded(string signIn) => Known.Ended.Contains(signIn);

    /// <summary>Reads all again, after a change of our own.</summary>
    public void Reload()
    {
        lock (_reading)
        {
            _known = Read();
        }
    }

    private Snapshot Known
    {
        get
        {
            if (_known is null)
            {
                Reload();
            }
            return _known!;
        }
    }

    // One at a time, and all who ask meanwhile wait for it without a thread: a database that hangs must not collect them.
    private Task Refresh()
    {
        lock (_reading)
        {
            return _refresh.IsCompleted ? _refresh = RefreshAsync() : _refresh;
        }
    }

    private async Task RefreshAsync()
    {
        Snapshot? known = _known;
        try
        {
            await db.RunAsync(d =>
            {
                lock (_reading)
                {
                    known = _known;
                    // Changes when another connection wrote; our own writes reload.
                    return _known = known is not null && db.ChangeMark == known.Version ? known with { Read = clock.GetTimestamp() } : Read();
                }
            });
            _told = false;
        }
        catch (DatabaseException fault) when (known is not null)
        {
            if (!_told)
            {
                log.LogWarning(fault, "The accounts cannot be read; what was known stays");
                _told = true;
            }
            _known = known with { Read = clock.GetTimestamp() };
        }
    }

    private Snapshot Read()
    {
        long read = clock.GetTimestamp();
        long version = db.ChangeMark;
        List<User> users = db.Query($"SELECT {User.Columns} FROM users", User.Read);
        List<(string Hash, ApiToken Token)> tokens = db.Query($"SELECT {ApiToken.Columns}, hash FROM api_tokens", ApiToken.ReadWithHash);
        List<string> ended = db.Query("SELECT id FROM sign_ins WHERE ended > $1", static row => row.Text(0), clock.GetUtcNow() - s_longestToken);
        return new Snapshot(users.ToFrozenDictionary(u => u.Name, StringComparer.Ordinal),
            tokens.ToFrozenDictionary(t => t.Hash, t => t.Token, StringComparer.Ordinal), ended.ToFrozenSet(StringComparer.Ordinal), version, read);
    }
}
