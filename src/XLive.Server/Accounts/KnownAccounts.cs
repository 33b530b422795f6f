using System.Collections.Frozen;
using XLive.Server.Storage;

namespace XLive.Server.Accounts;

/// <summary>
/// What a request needs to know of the database: the users, and the sign-ins that have ended while their access tokens still run.
/// Our own changes are seen at once, those of a command beside the server within two seconds. With the database out of reach what
/// was known stays.
/// </summary>
public sealed class KnownAccounts(Sqlite db, TimeProvider clock, ILogger<KnownAccounts> log)
{
    private static readonly TimeSpan s_freshFor = TimeSpan.FromSeconds(2);

    // A token runs for a day at most, see AuthOptions.
    private static readonly TimeSpan s_longestToken = TimeSpan.FromDays(1) + TimeSpan.FromMinutes(5);

    private readonly Lock _reading = new();
    private volatile Snapshot? _known;

    private sealed record Snapshot(FrozenDictionary<string, User> Users, FrozenSet<string> Ended, long Version, long Read);

    /// <summary>To be awaited before asking, on every request: nearly always done already.</summary>
    public ValueTask FreshAsync() =>
        _known is { } known && clock.GetElapsedTime(known.Read) < s_freshFor ? ValueTask.CompletedTask : new ValueTask(Task.Run(Refresh));

    public User? Find(string name) => Known.Users.GetValueOrDefault(name);

    public IReadOnlyCollection<User> All => Known.Users.Values;

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

    private void Refresh()
    {
        lock (_reading)
        {
            Snapshot? known = _known;
            if (known is not null && clock.GetElapsedTime(known.Read) < s_freshFor)
            {
                return; // somebody else just did
            }
            try
            {
                // Changes when another connection wrote; our own writes reload.
                _known = known is not null && DataVersion() == known.Version ? known with { Read = clock.GetTimestamp() } : Read();
            }
            catch (SqliteException fault) when (known is not null)
            {
                log.LogWarning(fault, "The accounts cannot be read; what was known stays");
                _known = known with { Read = clock.GetTimestamp() };
            }
        }
    }

    private Snapshot Read()
    {
        long read = clock.GetTimestamp();
        long version = DataVersion();
        List<User> users = db.Query("SELECT name, permissions, password IS NOT NULL, disabled, created FROM users",
            static row => new User(row.Text(0), (Permission)row.Int64(1), row.Boolean(2), row.Boolean(3), row.Time(4)));
        List<string> ended = db.Query("SELECT id FROM sign_ins WHERE ended > $1", static row => row.Text(0), clock.GetUtcNow() - s_longestToken);
        return new Snapshot(users.ToFrozenDictionary(u => u.Name, StringComparer.Ordinal), ended.ToFrozenSet(StringComparer.Ordinal), version, read);
    }

    private long DataVersion() => db.First("PRAGMA data_version", static row => row.Int64(0));
}
