using System.Data.Common;
using System.Globalization;
using System.Text;

namespace XLive.Server.Storage;

/// <summary>The row a query stands on. Good only inside the function that reads it. NULL reads as zero, as SQLite has it.</summary>
public readonly unsafe ref struct SqlRow
{
    private readonly nint _statement;
    private readonly DbDataReader? _reader;

    internal SqlRow(nint statement) => _statement = statement;

    internal SqlRow(DbDataReader reader) => _reader = reader;

    public bool IsNull(int column) => _reader?.IsDBNull(column) ?? (SqliteNative.sqlite3_column_type(_statement, column) == SqliteNative.TypeNull);

    public long Int64(int column) => _reader is null ? SqliteNative.sqlite3_column_int64(_statement, column)
        : _reader.IsDBNull(column) ? 0
        : _reader.GetFieldType(column) == typeof(long) ? _reader.GetInt64(column)
        : Convert.ToInt64(_reader.GetValue(column), CultureInfo.InvariantCulture);

    public double Double(int column) => _reader is null ? SqliteNative.sqlite3_column_double(_statement, column)
        : _reader.IsDBNull(column) ? 0 : _reader.GetDouble(column);

    /// <summary>A column of ours that holds 0 or 1, or a condition, which PostgreSQL has a type for.</summary>
    public bool Boolean(int column) =>
        _reader is not null && _reader.GetFieldType(column) == typeof(bool) ? !_reader.IsDBNull(column) && _reader.GetBoolean(column) : Int64(column) != 0;

    public DateTimeOffset Time(int column) => DateTimeOffset.FromUnixTimeSeconds(Int64(column));

    public string Text(int column) => TextOrNull(column) ?? "";

    public string? TextOrNull(int column)
    {
        if (_reader is not null)
        {
            return _reader.IsDBNull(column) ? null : _reader.GetString(column);
        }
        byte* text = SqliteNative.sqlite3_column_text(_statement, column);
        return text is null ? null : Encoding.UTF8.GetString(text, SqliteNative.sqlite3_column_bytes(_statement, column));
    }

    public byte[] Bytes(int column)
    {
        if (_reader is not null)
        {
            return _reader.IsDBNull(column) ? [] : _reader.GetFieldValue<byte[]>(column);
        }
        byte* bytes = SqliteNative.sqlite3_column_blob(_statement, column);
        return bytes is null ? [] : new ReadOnlySpan<byte>(bytes, SqliteNative.sqlite3_column_bytes(_statement, column)).ToArray();
    }
}
