using System.Runtime.InteropServices;

namespace XLive.Server.Storage;

internal sealed class SqliteHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    // _v2: statements that outlive the connection finish it, so finalizers may come in any order.
    protected override bool ReleaseHandle() => SqliteNative.sqlite3_close_v2(handle) == 0;
}

internal sealed class SqliteStatementHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        _ = SqliteNative.sqlite3_finalize(handle); // repeats the error of the last step, which was told then
        return true;
    }
}

internal static unsafe partial class SqliteNative
{
    private const string Library = "libsqlite3.so.0";

    public const int Ok = 0, Row = 100, Done = 101;
    public const int TypeNull = 5;
    public const int OpenReadWrite = 2, OpenCreate = 4, OpenNoMutex = 0x8000, OpenExtendedResult = 0x02000000;
    public static readonly nint Transient = -1;

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int sqlite3_open_v2(string path, out SqliteHandle db, int flags, string? vfs);

    [LibraryImport(Library)]
    public static partial int sqlite3_close_v2(nint db);

    [LibraryImport(Library)]
    public static partial int sqlite3_busy_timeout(SqliteHandle db, int milliseconds);

    [LibraryImport(Library)]
    public static partial int sqlite3_extended_errcode(SqliteHandle db);

    [LibraryImport(Library)]
    public static partial nint sqlite3_errmsg(SqliteHandle db);

    [LibraryImport(Library)]
    public static partial nint sqlite3_errstr(int code);

    [LibraryImport(Library)]
    public static partial int sqlite3_get_autocommit(SqliteHandle db);

    [LibraryImport(Library)]
    public static partial int sqlite3_changes(SqliteHandle db);

    [LibraryImport(Library)]
    public static partial long sqlite3_last_insert_rowid(SqliteHandle db);

    [LibraryImport(Library)]
    public static partial int sqlite3_prepare_v3(SqliteHandle db, byte* sql, int bytes, uint flags, out SqliteStatementHandle statement, out byte* tail);

    [LibraryImport(Library)]
    public static partial int sqlite3_finalize(nint statement);

    // A statement's own are asked by address: one is used under its connection's lock alone, and a handle counted in and out at each of ten
    // calls a row was a fifth of what a row cost.
    [LibraryImport(Library)]
    public static partial int sqlite3_step(nint statement);

    [LibraryImport(Library)]
    public static partial int sqlite3_reset(nint statement);

    [LibraryImport(Library)]
    public static partial int sqlite3_clear_bindings(nint statement);

    [LibraryImport(Library)]
    public static partial int sqlite3_bind_parameter_count(nint statement);

    [LibraryImport(Library)]
    public static partial nint sqlite3_bind_parameter_name(nint statement, int index);

    [LibraryImport(Library)]
    public static partial int sqlite3_bind_null(nint statement, int index);

    [LibraryImport(Library)]
    public static partial int sqlite3_bind_int64(nint statement, int index, long value);

    [LibraryImport(Library)]
    public static partial int sqlite3_bind_double(nint statement, int index, double value);

    [LibraryImport(Library)]
    public static partial int sqlite3_bind_text(nint statement, int index, byte* value, int bytes, nint destructor);

    [LibraryImport(Library)]
    public static partial int sqlite3_bind_blob(nint statement, int index, byte* value, int bytes, nint destructor);

    [LibraryImport(Library)]
    public static partial int sqlite3_column_type(nint statement, int column);

    [LibraryImport(Library)]
    public static partial long sqlite3_column_int64(nint statement, int column);

    [LibraryImport(Library)]
    public static partial double sqlite3_column_double(nint statement, int column);

    [LibraryImport(Library)]
    public static partial byte* sqlite3_column_text(nint statement, int column);

    [LibraryImport(Library)]
    public static partial byte* sqlite3_column_blob(nint statement, int column);

    [LibraryImport(Library)]
    public static partial int sqlite3_column_bytes(nint statement, int column);
}
