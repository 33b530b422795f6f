using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace XLive.Server.Sessions;

/// <summary>96 random bits: two nodes never make the same one, and nobody guesses one.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct SessionId(ulong High, uint Low) : IComparable<SessionId>
{
    public const int Size = 12;

    public static SessionId New()
    {
        Span<byte> bytes = stackalloc byte[Size];
        RandomNumberGenerator.Fill(bytes);
        return Read(bytes);
    }

    public static SessionId Read(ReadOnlySpan<byte> bytes) => new(
        System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes),
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]));

    public void Write(Span<byte> bytes)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], Low);
    }

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        Write(bytes);
        return Base64Url.EncodeToString(bytes);
    }

    public static bool TryParse(ReadOnlySpan<char> text, out SessionId id)
    {
        Span<byte> bytes = stackalloc byte[Size];
        id = default;
        if (text.Length != Size / 3 * 4 || !Base64Url.IsValid(text) || !Base64Url.TryDecodeFromChars(text, bytes, out var length) || length != Size)
            return false;
        id = Read(bytes);
        return true;
    }

    /// <summary>In the order of the bytes.</summary>
    public int CompareTo(SessionId other) => High == other.High ? Low.CompareTo(other.Low) : High.CompareTo(other.High);
}
