using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace XLive.Server.Storage;

/// <summary>A value on its way into a statement. Made by the conversions alone, so that nothing but these types gets in.</summary>
public readonly struct SqlValue
{
    internal readonly object? Boxed;
    internal readonly long Whole;
    internal readonly SqlKind Kind;

    private SqlValue(SqlKind kind, long whole, object? boxed) => (Kind, Whole, Boxed) = (kind, whole, boxed);

    public static implicit operator SqlValue(long value) => new(SqlKind.Whole, value, null);

    public static implicit operator SqlValue(bool value) => new(SqlKind.Whole, value ? 1 : 0, null);

    public static implicit operator SqlValue(double value) => new(SqlKind.Real, BitConverter.DoubleToInt64Bits(value), null);

    public static implicit operator SqlValue(string? value) => value is null ? default : new(SqlKind.Text, 0, value);

    public static implicit operator SqlValue(byte[]? value) => value is null ? default : new(SqlKind.Bytes, 0, value);

    /// <summary>Unix seconds.</summary>
    public static implicit operator SqlValue(DateTimeOffset value) => new(SqlKind.Whole, value.ToUnixTimeSeconds(), null);
}

internal enum SqlKind { Null, Whole, Real, Text, Bytes }

/// <summary>The row a query stands on. Good only inside the function that reads it.</summary>
public readonly unsafe ref struct SqlRow
{
    private readonly SqliteStatementHandle _statement;

    internal SqlRow(SqliteStatementHandle statement) => _statement = statement;

    public bool IsNull(int column) => SqliteNative.sqlite3_column_type(_statement, column) == SqliteNative.TypeNull;

    public long Int64(int column) => SqliteNative.sqlite3_column_int64(_statement, column);

    public double Double(int column) => SqliteNative.sqlite3_column_double(_statement, column);

    public bool Boolean(int column) => Int64(column) != 0;

    public DateTimeOffset Time(int column) => DateTimeOffset.FromUnixTimeSeconds(Int64(column));

    public string Text(int column) => TextOrNull(column) ?? "";

    public string? TextOrNull(int column)
    {
        byte* text = SqliteNative.sqlite3_column_text(_statement, column);
        return text is null ? null : Encoding.UTF8.GetString(text, SqliteNative.sqlite3_column_bytes(_statement, column));
    }

    public byte[] Bytes(int column)
    {
        byte* bytes = SqliteNative.sqlite3_column_blob(_statement, column);
        return bytes is null ? [] : new ReadOnlySpan<byte>(bytes, SqliteNative.sqlite3_column_bytes(_statement, column)).ToArray();
    }
}

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
                SqlKind.Real => SqliteNative.sqlite3_bind_double(Handle, i + 1, BitConverter.Int64BitsToDouble(value.Whole)),
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
