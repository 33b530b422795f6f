using System.Buffers.Binary;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace XLive.Server.Sessions;

/// <summary>
/// By what a viewer is known again: the grant, the network and the User-Agent, hashed, so that neither a store nor a list of kicks holds
/// anything that plays. 128 bits of SHA-256: a viewer chooses his own User-Agent, and must not be able to choose another's key.
/// </summary>
public readonly record struct EntryKey(ulong High, ulong Low)
{
    public const int Size = 16;

    private const int LongestUserAgent = 512;

    /// <param name="grant">The token, or what stands for it; no two grants have one.</param>
    [SkipLocalsInit]
    public static EntryKey Of(ReadOnlySpan<char> grant, AddressKey network, ReadOnlySpan<char> userAgent)
    {
        if (userAgent.Length > LongestUserAgent)
            userAgent = userAgent[..LongestUserAgent];
        Span<byte> text = stackalloc byte[Size + (512 + LongestUserAgent) * 3 + 1];
        BinaryPrimitives.WriteUInt64BigEndian(text, network.High);
        BinaryPrimitives.WriteUInt64BigEndian(text[8..], network.Low);
        var length = Size + Encoding.UTF8.GetBytes(grant, text[Size..]);
        // No grant has a line feed.
        text[length++] = (byte)'\n';
        length += Encoding.UTF8.GetBytes(userAgent, text[length..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text[..length], hash);
        return Read(hash);
    }

    public static EntryKey Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Low);
    }

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        Write(bytes);
        return Base64Url.EncodeToString(bytes);
    }

    public static bool TryParse(ReadOnlySpan<char> text, out EntryKey key)
    {
        Span<byte> bytes = stackalloc byte[Size + 2];
        key = default;
        if (text.Length != 22 || !Base64Url.IsValid(text) || !Base64Url.TryDecodeFromChars(text, bytes, out var length) || length != Size)
            return false;
        key = Read(bytes);
        return true;
    }
}
