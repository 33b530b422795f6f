using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace XLive.Server.Storage;

/// <summary>A prepared statement whose parameters are $1, $2, ... as PostgreSQL writes them.</summary>
internal sealed unsafe class SqliteStatement : IDisposable
{
    private readonly int[] _valueOf; // which value each of SQLite's parameters takes

    public SqliteStatement(SqliteStatementHandle handle)
    {
        Handle = handle;
        _valueOf = new int[SqliteNative.sqlite3_bind_parameter_count(handle)];
        for (int i = 0; i < _valueOf.Length; i++)
        {
            string? name = Marshal.PtrToStringUTF8(SqliteNative.sqlite3_bind_parameter_name(handle, i + 1));
            _valueOf[i] = name is { Length: > 1 } && name[0] == '$' && int.TryParse(name.AsSpan(1), CultureInfo.InvariantCulture, out int n)
                ? n - 1
                : throw new ArgumentException($"parameters are $1, $2, ...; not {name ?? "?"}");
        }
    }

    public SqliteStatementHandle Handle { get; }

    public int Bind(ReadOnlySpan<SqlValue> values)
    {
        for (int i = 0; i < _valueOf.Length; i++)
        {
            SqlValue value = values[_valueOf[i]];
            int code = value.Kind switch
            {
                SqlKind.Whole => SqliteNative.sqlite3_bind_int64(Handle, i + 1, value.Whole),
                SqlKind.Real => SqliteNative.sqlite3_bind_double(Handle, i + 1, value.Real),
                SqlKind.Text => BindText(i + 1, (string)value.Boxed!),
                SqlKind.Bytes => BindBytes(i + 1, (byte[])value.Boxed!),
                _ => SqliteNative.sqlite3_bind_null(Handle, i + 1),
            };
            if (code != SqliteNative.Ok)
            {
                return code;
            }
        }
        return SqliteNative.Ok;
    }

    /// <summary>Ready for the next use, with no value of this one left in memory.</summary>
    public void Reset()
    {
        _ = SqliteNative.sqlite3_reset(Handle); // repeats the error of the last step
        _ = SqliteNative.sqlite3_clear_bindings(Handle);
    }

    public void Dispose() => Handle.Dispose();

    private int BindText(int index, string value)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(value);
        fixed (byte* p = utf8)
        {
            byte none = 0;
            return SqliteNative.sqlite3_bind_text(Handle, index, p is null ? &none : p, utf8.Length, SqliteNative.Transient);
        }
    }

    private int BindBytes(int index, byte[] value)
    {
        fixed (byte* p = value)
        {
            byte none = 0;
            return SqliteNative.sqlite3_bind_blob(Handle, index, p is null ? &none : p, value.Length, SqliteNative.Transient);
        }
    }
}
