using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;

namespace XLive.Server.Storage;

/// <summary>
/// One connection to a SQLite file, through Debian's own library. Calls block, on the disk and on each other, so they belong on a
/// worker thread and never on one that serves sockets: <see cref="RunAsync{T}"/>. All SQL is ours and constant; what varies is a
/// value. A pool was not taken: the request path reads memory, and the database sees a few calls a second.
/// </summary>
public sealed unsafe class Sqlite : IDisposable
{
    private const int BusyMilliseconds = 5000;
    private const int MostPrepared = 200;

    private readonly SqliteHandle _db;
    private readonly Lock _gate = new();

    // Under the gate.
    private readonly Dictionary<string, SqliteStatement> _prepared = new(StringComparer.Ordinal);
    private bool _disposed;

    private Sqlite(SqliteHandle db) => _db = db;

    /// <summary>Opens or makes the file, mode 0600; its -wal and -shm files take the same mode from it.</summary>
    public static Sqlite Open(string path) => Open(path, vfs: null);

    /// <param name="vfs">
    /// The name of a file system that was made known to SQLite, without shared memory: the write-ahead log then needs the file to itself.
    /// </param>
    internal static Sqlite Open(string path, string? vfs)
    {
        if (vfs is null && !File.Exists(path))
        {
            using FileStream made = new(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
        const int flags = SqliteNative.OpenReadWrite | SqliteNative.OpenCreate | SqliteNative.OpenFullMutex | SqliteNative.OpenExtendedResult;
        int code = SqliteNative.sqlite3_open_v2(path, out SqliteHandle db, flags, vfs);
        Sqlite opened = new(db);
        try
        {
            opened.Check(code, path);
            opened.Check(SqliteNative.sqlite3_busy_timeout(db, BusyMilliseconds), path);
            // FULL: in WAL mode NORMAL may lose the last transactions with the power, and one of them may have been a revocation.
            foreach (string pragma in (string[])[.. vfs is null ? (string[])[] : ["locking_mode = EXCLUSIVE"],
                "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF", "journal_size_limit = 16777216"])
            {
                opened.Query($"PRAGMA {pragma}", static row => 0);
            }
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    public static Sqlite Open(DataOptions options) => Open(Path.Combine(options.MakeDir(), "xlive.db"));

    /// <summary>Runs one statement and says how many rows it changed.</summary>
    public int Execute([StringSyntax("sql")] string sql, params ReadOnlySpan<SqlValue> values)
    {
        lock (_gate)
        {
            SqliteStatement statement = Prepared(sql);
            try
            {
                Check(statement.Bind(values), sql);
                int code;
                while ((code = SqliteNative.sqlite3_step(statement.Handle)) == SqliteNative.Row)
                {
                }
                Check(code == SqliteNative.Done ? SqliteNative.Ok : code, sql);
                return SqliteNative.sqlite3_changes(_db);
            }
            finally
            {
                statement.Reset();
            }
        }
    }

    /// <summary>Within the transaction that inserted it.</summary>
    internal long LastInsertedRow => SqliteNative.sqlite3_last_insert_rowid(_db);

    public List<T> Query<T>([StringSyntax("sql")] string sql, Func<SqlRow, T> read, params ReadOnlySpan<SqlValue> values)
    {
        List<T> rows = [];
        lock (_gate)
        {
            SqliteStatement statement = Prepared(sql);
            try
            {
                Check(statement.Bind(values), sql);
                int code;
                while ((code = SqliteNative.sqlite3_step(statement.Handle)) == SqliteNative.Row)
                {
                    rows.Add(read(new SqlRow(statement.Handle)));
                }
                Check(code == SqliteNative.Done ? SqliteNative.Ok : code, sql);
            }
            finally
            {
                statement.Reset();
            }
        }
        return rows;
    }

    /// <summary>The first row, or the type's default when there is none.</summary>
    public T? First<T>([StringSyntax("sql")] string sql, Func<SqlRow, T> read, params ReadOnlySpan<SqlValue> values)
    {
        List<T> rows = Query(sql, read, values);
        return rows.Count > 0 ? rows[0] : default;
    }

    /// <summary>
    /// All of it or nothing. The write lock is taken at the start: a transaction that reads first and writes later would fail half-way
    /// when a command beside the server writes in between.
    /// </summary>
    public T Transaction<T>(Func<T> work)
    {
        lock (_gate)
        {
            if (SqliteNative.sqlite3_get_autocommit(_db) == 0)
            {
                throw new InvalidOperationException("a transaction inside a transaction");
            }
            Execute("BEGIN IMMEDIATE");
            try
            {
                T result = work();
                Execute("COMMIT");
                return result;
            }
            catch
            {
                // A full disk or a failed commit may have rolled back by itself.
                if (SqliteNative.sqlite3_get_autocommit(_db) == 0)
                {
                    Execute("ROLLBACK");
                }
                throw;
            }
        }
    }

    public void Transaction(Action work) => Transaction(() =>
    {
        work();
        return 0;
    });

    /// <summary>Away from the caller's thread, which may be one that serves sockets.</summary>
    public Task<T> RunAsync<T>(Func<Sqlite, T> work) => Task.Run(() => work(this));

    /// <summary>Several statements, without values.</summary>
    public void Script([StringSyntax("sql")] string sql)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(sql + "\0");
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            fixed (byte* start = utf8)
            {
                byte* at = start;
                while (*at != 0)
                {
                    int code = SqliteNative.sqlite3_prepare_v3(_db, at, -1, 0, out SqliteStatementHandle handle, out byte* next);
                    using (handle)
                    {
                        Check(code, sql);
                        while (!handle.IsInvalid && (code = SqliteNative.sqlite3_step(handle)) == SqliteNative.Row)
                        {
                        }
                        Check(code == SqliteNative.Done ? SqliteNative.Ok : code, sql);
                    }
                    at = next;
                }
            }
        }
    }

    /// <summary>A consistent copy of the whole database, taken while it is in use.</summary>
    public void BackUp(string path) => Execute("VACUUM INTO $1", path);

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }
            _disposed = true;
            foreach (SqliteStatement statement in _prepared.Values)
            {
                statement.Dispose();
            }
            _db.Dispose();
        }
    }

    private SqliteStatement Prepared(string sql)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_prepared.TryGetValue(sql, out SqliteStatement? known))
        {
            return known;
        }
        if (_prepared.Count >= MostPrepared)
        {
            throw new InvalidOperationException("too many different statements: values belong in parameters");
        }
        byte[] utf8 = Encoding.UTF8.GetBytes(sql);
        fixed (byte* p = utf8)
        {
            const uint persistent = 1;
            int code = SqliteNative.sqlite3_prepare_v3(_db, p, utf8.Length, persistent, out SqliteStatementHandle handle, out byte* tail);
            if (code != SqliteNative.Ok || handle.IsInvalid || tail != p + utf8.Length)
            {
                handle.Dispose();
                Check(code, sql);
                throw new ArgumentException("one statement at a time", nameof(sql));
            }
            return _prepared[sql] = new SqliteStatement(handle);
        }
    }

    private void Check(int code, string sql)
    {
        if (code != SqliteNative.Ok)
        {
            string said = _db.IsInvalid ? "out of memory" : Marshal.PtrToStringUTF8(SqliteNative.sqlite3_errmsg(_db)) ?? "";
            throw new SqliteException(code, said, sql);
        }
    }
}
