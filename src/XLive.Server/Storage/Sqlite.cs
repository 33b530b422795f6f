using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace XLive.Server.Storage;

/// <summary>
/// One connection to a SQLite file, through Debian's own library. A pool was not taken: the request path reads memory, and the
/// database sees a few calls a second.
/// </summary>
public sealed unsafe class Sqlite : Database
{
    private const int BusyMilliseconds = 5000;

    private readonly string _path;
    private readonly string? _vfs;
    private readonly Action<string>? _writeAgain;
    private readonly Lock _gate = new();

    // Under the gate.
    private readonly SqliteStatements _statements = new();
    private SqliteHandle _db = new();
    private bool _disposed;

    private Sqlite(string path, string? vfs, Action<string>? writeAgain) : base(turns: 1) => (_path, _vfs, _writeAgain) = (path, vfs, writeAgain);

    public override string Kind => "SQLite";

    public override long ChangeMark => First("PRAGMA data_version", static row => row.Int64(0));

    internal override int SchemaVersion
    {
        get => (int)First("PRAGMA user_version", static row => row.Int64(0));
        set => Script(string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {value}"));
    }

    /// <summary>Opens or makes the file, mode 0600; its -wal and -shm files take the same mode from it. It has no schema yet.</summary>
    public static Sqlite Open(string path) => Open(path, vfs: null);

    /// <param name="vfs">
    /// The name of a file system that was made known to SQLite, without shared memory: the write-ahead log then needs the file to itself.
    /// </param>
    internal static Sqlite Open(string path, string? vfs)
    {
        Sqlite db = new(path, vfs, writeAgain: null);
        try
        {
            db.OpenOnly();
            return db;
        }
        catch
        {
            db.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The database of a data directory, not opened: <see cref="Database.TryJoin"/>. Its log is mended then, whatever became of the process
    /// before.
    /// </summary>
    public static Sqlite Of(DataOptions options) => Of(Path.Combine(options.MakeDir(), "xlive.db"), vfs: null, SqliteLog.WriteAgain);

    internal static Sqlite Of(string path, string? vfs, Action<string> writeAgain) => new(path, vfs, writeAgain);

    protected override void Connect()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_db.IsInvalid)
            {
                return; // open already; what failed at the last try came after
            }
            try
            {
                if (_vfs is null && !File.Exists(_path))
                {
                    using FileStream made = new(_path, new FileStreamOptions
                    {
                        Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                    });
                }
                // Without a lock of its own: each call here is under ours.
                const int flags = SqliteNative.OpenReadWrite | SqliteNative.OpenCreate | SqliteNative.OpenNoMutex | SqliteNative.OpenExtendedResult;
                int code = SqliteNative.sqlite3_open_v2(_path, out _db, flags, _vfs);
                Check(code, _path);
                Check(SqliteNative.sqlite3_busy_timeout(_db, BusyMilliseconds), _path);
                // FULL: in WAL mode NORMAL may lose the last transactions with the power, and one of them may have been a revocation.
                foreach (string pragma in (string[])[.. _vfs is null ? (string[])[] : ["locking_mode = EXCLUSIVE"],
                    "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF", "journal_size_limit = 16777216"])
                {
                    Step($"PRAGMA {pragma}");
                }
                if (_writeAgain is not null)
                {
                    SqliteLog.Mend(this, _path, _writeAgain);
                }
            }
            catch (Exception e)
            {
                _statements.Clear(); // of a connection that is gone
                _db.Dispose();
                _db = new SqliteHandle();
                if (e is IOException or UnauthorizedAccessException)
                {
                    throw new DatabaseException(DatabaseFault.Away, e.Message, e);
                }
                throw;
            }
        }
    }

    /// <summary>Runs one statement and says how many rows it changed.</summary>
    public override int Execute([StringSyntax("sql")] string sql, params ReadOnlySpan<SqlValue> values)
    {
        lock (_gate)
        {
            SqliteStatement statement = Prepared(sql);
            try
            {
                Check(statement.Bind(values), sql);
                int code;
                while ((code = SqliteNative.sqlite3_step(statement.At)) == SqliteNative.Row)
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

    public override List<T> Query<T>([StringSyntax("sql")] string sql, Func<SqlRow, T> read, params ReadOnlySpan<SqlValue> values)
    {
        List<T> rows = [];
        lock (_gate)
        {
            SqliteStatement statement = Prepared(sql);
            try
            {
                Check(statement.Bind(values), sql);
                int code;
                while ((code = SqliteNative.sqlite3_step(statement.At)) == SqliteNative.Row)
                {
                    rows.Add(read(new SqlRow(statement.At)));
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

    public override void ExecuteEach([StringSyntax("sql")] string sql, IReadOnlyList<SqlValue[]> rows)
    {
        foreach (SqlValue[] row in rows)
        {
            Execute(sql, row);
        }
    }

    // The write lock is taken at the start: a transaction that reads first and writes later would fail half-way when a command beside
    // the server writes in between.
    public override T Transaction<T>(Func<T> work)
    {
        lock (_gate)
        {
            Ready();
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

    public override void Script([StringSyntax("sql")] string sql)
    {
        lock (_gate)
        {
            Ready();
            Step(sql);
        }
    }

    private void Step(string sql)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(sql + "\0");
        fixed (byte* start = utf8)
        {
            byte* at = start;
            while (*at != 0)
            {
                int code = SqliteNative.sqlite3_prepare_v3(_db, at, -1, 0, out SqliteStatementHandle handle, out byte* next);
                using (handle)
                {
                    Check(code, sql);
                    while (!handle.IsInvalid && (code = SqliteNative.sqlite3_step(handle.DangerousGetHandle())) == SqliteNative.Row)
                    {
                    }
                    Check(code == SqliteNative.Done ? SqliteNative.Ok : code, sql);
                }
                at = next;
            }
        }
    }

    /// <summary>A consistent copy of the whole database, taken while it is in use.</summary>
    public void BackUp(string path) => Execute("VACUUM INTO $1", path);

    public override void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }
            _disposed = true;
            _statements.Clear();
            _db.Dispose();
        }
        base.Dispose();
    }

    private SqliteStatement Prepared(string sql)
    {
        Ready();
        return _statements.Find(sql) ?? _statements.Keep(sql, Prepare(sql));
    }

    private SqliteStatement Prepare(string sql)
    {
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
            return new SqliteStatement(handle);
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

    private void Ready()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ThrowIfAway();
    }

    protected override DatabaseException Explained(DatabaseException why) => why.Fault != DatabaseFault.Damaged ? why : new(why.Fault,
        $"{_path} is damaged ({why.Message}). Move it away, with its -wal and -shm, and put a backup in its place, or start without: "
        + "the accounts are lost then, the keys in data.dir/keys and all links that are out stay good", why);
}
