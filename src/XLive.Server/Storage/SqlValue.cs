using System.Buffers;
using System.Runtime.InteropServices;

namespace XLive.Server.Storage;

/// <summary>A value on its way into a statement. Made by the conversions alone, so that nothing but these types gets in.</summary>
public readonly struct SqlValue
{
    internal readonly object? Boxed;
    internal readonly long Whole;
    internal readonly SqlKind Kind;

    private SqlValue(SqlKind kind, long whole, object? boxed) => (Kind, Whole, Boxed) = (kind, whole, boxed);

    internal double Real => BitConverter.Int64BitsToDouble(Whole);

    internal ReadOnlyMemory<byte> Bytes => new((byte[])Boxed!, 0, (int)Whole);

    /// <summary>The first so many bytes of it, which stay as they are until the statement has run.</summary>
    public static SqlValue Of(byte[] buffer, int length) => new(SqlKind.Bytes, length, buffer);

    /// <summary>What was written to it.</summary>
    public static SqlValue Of(ArrayBufferWriter<byte> writer) =>
        MemoryMarshal.TryGetArray(writer.WrittenMemory, out var written) && written.Offset == 0 ? Of(written.Array!, written.Count) : writer.WrittenSpan.ToArray();

    public static implicit operator SqlValue(long value) => new(SqlKind.Whole, value, null);

    public static implicit operator SqlValue(bool value) => new(SqlKind.Whole, value ? 1 : 0, null);

    public static implicit operator SqlValue(double value) => new(SqlKind.Real, BitConverter.DoubleToInt64Bits(value), null);

    public static implicit operator SqlValue(string? value) => value is null ? default : new(SqlKind.Text, 0, value);

    public static implicit operator SqlValue(byte[]? value) => value is null ? default : Of(value, value.Length);

    /// <summary>Unix seconds.</summary>
    public static implicit operator SqlValue(DateTimeOffset value) => new(SqlKind.Whole, value.ToUnixTimeSeconds(), null);
}

internal enum SqlKind { Null, Whole, Real, Text, Bytes }
