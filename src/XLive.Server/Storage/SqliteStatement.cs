using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace XLive.Server.Storage;

/// <summary>A prepared statement whose parameters are $1, $2, ... as PostgreSQL writes them.</summary>
internal sealed unsafe class SqliteStatement : IDisposable
{
    private readonly int[] _valueOf; // which value each of SQLite's parameters takes
    private readonly SqliteStatementHandle _handle;

    public SqliteStatement(SqliteStatementHandle handle)
    {
        _handle = handle;
        At = handle.DangerousGetHandle();
        _valueOf = new int[SqliteNative.sqlite3_bind_parameter_count(At)];
        for (int i = 0; i < _valueOf.Length; i++)
        {
            string? name = Marshal.PtrToStringUTF8(SqliteNative.sqlite3_bind_parameter_name(At, i + 1));
            _valueOf[i] = name is { Length: > 1 } && name[0] == '$' && int.TryParse(name.AsSpan(1), CultureInfo.InvariantCulture, out int n)
                ? n - 1
                : throw new ArgumentException($"parameters are $1, $2, ...; not {name ?? "?"}");
        }
    }

    /// <summary>Good until it is disposed of.</summary>
    public nint At { get; }

    public int Bind(ReadOnlySpan<SqlValue> values)
    {
        for (int i = 0; i < _valueOf.Length; i++)
        {
            SqlValue value = values[_valueOf[i]];
            int code = value.Kind switch
            {
                SqlKind.Whole => SqliteNative.sqlite3_bind_int64(At, i + 1, value.Whole),
                SqlKind.Real => SqliteNative.sqlite3_bind_double(At, i + 1, value.Real),
                SqlKind.Text => BindText(i + 1, (string)value.Boxed!),
                SqlKind.Bytes => BindBytes(i + 1, value.Bytes.Span),
                _ => SqliteNative.sqlite3_bind_null(At, i + 1),
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
        _ = SqliteNative.sqlite3_reset(At); // repeats the error of the last step
        _ = SqliteNative.sqlite3_clear_bindings(At);
        GC.KeepAlive(_handle); // its finalizer must not come between
    }

    public void Dispose() => _handle.Dispose();

    private int BindText(int index, string value)
    {
        Span<byte> utf8 = value.Length <= 256 ? stackalloc byte[3 * 256] : new byte[Encoding.UTF8.GetMaxByteCount(value.Length)];
        int length = Encoding.UTF8.GetBytes(value, utf8);
        fixed (byte* p = utf8)
        {
            byte none = 0;
            return SqliteNative.sqlite3_bind_text(At, index, p is null ? &none : p, length, SqliteNative.Transient);
        }
    }

    private int BindBytes(int index, ReadOnlySpan<byte> value)
    {
        fixed (byte* p = value)
        {
            byte none = 0;
            return SqliteNative.sqlite3_bind_blob(At, index, p is null ? &none : p, value.Length, SqliteNative.Transient);
        }
    }
}
