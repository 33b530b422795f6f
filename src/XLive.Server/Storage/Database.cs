using System.Diagnostics.CodeAnalysis;
using XLive.Server.Telemetry;

namespace XLive.Server.Storage;

/// <summary>
/// Where accounts and history stand: <see cref="Sqlite"/> or <see cref="Postgres"/>, behind the same statements and the same
/// migrations. All SQL is ours and constant; what varies is a value, $1, $2, ... Calls block, so they belong on a worker thread and
/// never on one that serves sockets: <see cref="RunAsync{T}"/>. Playback asks it nothing, so it may be away: then calls fail at once
/// with the reason, and it is joined again when it is back.
/// </summary>
public abstract class Database : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);
    public const int MostWaiting = 64;

    [ThreadStatic]
    private static Database? t_joining;

#pragma warning disable CA2213 // a call may still hold a turn; it holds no handle unless one is asked for
    private readonly SemaphoreSlim _turns;
#pragma warning restore CA2213
    private readonly Lock _joining = new();
    private readonly List<Action> _atJoin = [];
    private volatile DatabaseException? _away;
    private SupervisedLoop? _watch;
    private int _waiting;
    private long _losses;

    /// <param name="turns">How many calls may run, and so block a thread, at once.</param>
    protected Database(int turns)
    {
        _turns = new SemaphoreSlim(turns);
        Turns = turns;
        _away = new DatabaseException(DatabaseFault.Away, "the database has not been opened yet");
    }

    /// <summary>Told when it is lost, with the reason, and when it is back, with null.</summary>
    public Action<DatabaseException?>? Turned { get; set; }

    /// <summary>"SQLite" or "PostgreSQL", for people.</summary>
    public abstract string Kind { get; }

    public int Turns { get; }

    public int Running => Turns - _turns.CurrentCount;

    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Times that it was lost since the start.</summary>
    public long Losses => Volatile.Read(ref _losses);

    /// <summary>Why it cannot be asked now; null when it can.</summary>
    public DatabaseException? Away => _away;

    /// <summary>Changes whenever somebody else may have written.</summary>
    public abstract long ChangeMark { get; }

    /// <summary>How many of the schema's steps are done.</summary>
    internal abstract int SchemaVersion { get; set; }

    protected bool IsJoining => t_joining == this;

    /// <summary>Runs one statement and says how many rows it changed.</summary>
    public abstract int Execute([StringSyntax("sql")] string sql, params ReadOnlySpan<SqlValue> values);

    /// <summary>The same statement for each row of values, inside a transaction: over a network in one journey.</summary>
    public abstract void ExecuteEach([StringSyntax("sql")] string sql, IReadOnlyList<SqlValue[]> rows);

    public abstract List<T> Query<T>([StringSyntax("sql")] string sql, Func<SqlRow, T> read, params ReadOnlySpan<SqlValue> values);

    /// <summary>The first row, or the type's default when there is none.</summary>
    public T? First<T>([StringSyntax("sql")] string sql, Func<SqlRow, T> read, params ReadOnlySpan<SqlValue> values)
    {
        List<T> rows = Query(sql, read, values);
        return rows.Count > 0 ? rows[0] : default;
    }

    /// <summary>
    /// All of it or nothing, as if nobody else were there. Statements of this thread are part of it until it ends. PostgreSQL may have
    /// it done again when two meet, so the work changes nothing but the database.
    /// </summary>
    public abstract T Transaction<T>(Func<T> work);

    public void Transaction(Action work) => Transaction(() =>
    {
        work();
        return 0;
    });

    /// <summary>Several statements, without values.</summary>
    public abstract void Script([StringSyntax("sql")] string sql);

    /// <summary>
    /// Away from the caller's thread, which may be one that serves sockets. Only so many at once: a database that does not answer must
    /// not take every thread of the pool with it.
    /// </summary>
    public async Task<T> RunAsync<T>(Func<Database, T> work)
    {
        ThrowIfAway();
        if (!_turns.Wait(0))
        {
            await WaitAsync().ConfigureAwait(false);
        }
        try
        {
            return await Task.Run(() => work(this)).ConfigureAwait(false);
        }
        finally
        {
            _turns.Release();
        }
    }

    private async Task WaitAsync()
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > MostWaiting)
            {
                throw new DatabaseException(DatabaseFault.Busy, $"the database is busy: {MostWaiting} calls wait already");
            }
            if (!await _turns.WaitAsync(s_patience).ConfigureAwait(false))
            {
                throw new DatabaseException(DatabaseFault.Busy, $"the database is busy: no turn within {s_patience.TotalSeconds:0} s");
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>Done now when it is here, and in any case as soon as it is: what every start, or every return, has to do first.</summary>
    public void WhenJoined(Action work)
    {
        lock (_joining)
        {
            _atJoin.Add(work);
            if (_away is not null)
            {
                return;
            }
            try
            {
                work();
            }
            catch (DatabaseException fault)
            {
                Lose(Explained(fault));
            }
        }
    }

    /// <summary>Opens it, brings it up to date and does what waited for it. False when it is away; then <see cref="Away"/> says why.</summary>
    public bool TryJoin()
    {
        lock (_joining)
        {
            if (_away is not { } before)
            {
                return true;
            }
            t_joining = this;
            try
            {
                Connect();
                Migrations.Apply(this);
                // What is done first may hand on to other threads, so for them too it is here.
                _away = null;
                foreach (Action work in _atJoin)
                {
                    work();
                }
            }
            catch (DatabaseException fault)
            {
                DatabaseException why = Explained(fault);
                _away = why;
                // A server that comes up says three different things in as many seconds; once a reason is told it is enough.
                if (why.Fault != before.Fault)
                {
                    Turned?.Invoke(why);
                }
                return false;
            }
            finally
            {
                t_joining = null;
            }
            Turned?.Invoke(null);
            return true;
        }
    }

    /// <summary>From now on it is joined again when it was away and has come back.</summary>
    public void Watch(Supervisor supervisor) => _watch = supervisor.Every("database", s_look, () => TryJoin());

    public virtual void Dispose()
    {
        _watch?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens what there is to open, or throws.</summary>
    protected abstract void Connect();

    /// <summary>What there is to add for the operator.</summary>
    protected virtual DatabaseException Explained(DatabaseException why) => why;

    /// <summary>A transaction that sees what others did before it began, and keeps them out of the schema until it ends.</summary>
    internal virtual void SchemaTransaction(Action work) => Transaction(work);

    /// <summary>Opens it and leaves its schema as it is.</summary>
    protected void OpenOnly()
    {
        t_joining = this;
        try
        {
            Connect();
            _away = null;
        }
        finally
        {
            t_joining = null;
        }
    }

    /// <summary>From now on calls fail at once, until it is joined again.</summary>
    protected void Lose(DatabaseException why)
    {
        if (IsJoining || Interlocked.CompareExchange(ref _away, why, null) is not null)
        {
            return;
        }
        Interlocked.Increment(ref _losses);
        Turned?.Invoke(why);
    }

    protected void ThrowIfAway()
    {
        if (_away is { } why && !IsJoining)
        {
            throw new DatabaseException(why.Fault, why.Message, why);
        }
    }
}
