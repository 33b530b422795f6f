using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;

namespace XLive.Server.Access;

/// <summary>The strict readings of single values. Each accepts exactly one spelling of what it returns, percent-encoding aside.</summary>
internal static class GrantText
{
    public const int TokenBytes = 32;
    public const int MaxUidBytes = 128;
    public const int TokenChars = 43;
    private const int MaxExpiresDigits = 12;

    private static readonly SearchValues<char> Base64UrlCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    // A lone surrogate must not become the U+FFFD that it would share with all others.
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="ArgumentException">The text is not Unicode.</exception>
    public static byte[] Bytes(string text) => Strict.GetBytes(text);

    /// <summary>Percent-decodes a value of a query. False for a broken escape or a character that no wire carries.</summary>
    public static bool TryUnescape(scoped ReadOnlySpan<char> raw, Span<byte> scratch, out ReadOnlySpan<byte> value)
    {
        value = default;
        int length = 0;
        for (int i = 0; i < raw.Length; i++)
        {
            char c = raw[i];
            if (c == '%')
            {
                if (i + 2 >= raw.Length || !char.IsAsciiHexDigit(raw[i + 1]) || !char.IsAsciiHexDigit(raw[i + 2]))
                    return false;
                scratch[length++] = (byte)((Hex(raw[i + 1]) << 4) | Hex(raw[i + 2]));
                i += 2;
            }
            else if (c < 0x80)
                scratch[length++] = c == '+' ? (byte)' ' : (byte)c;
            else
                return false;
        }
        value = scratch[..length];
        return true;

        static int Hex(char c) => c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    }

    /// <summary>base64url without padding, and with nothing in the bits that the last character has to spare.</summary>
    public static bool TryBase64Url(scoped ReadOnlySpan<char> raw, Span<byte> scratch, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (raw.ContainsAnyExcept(Base64UrlCharacters))
            return false;
        int spare = (raw.Length % 4) switch { 0 => 0, 2 => 0b1111, 3 => 0b11, _ => -1 };
        if (spare < 0 || (spare > 0 && (Sextet(raw[^1]) & spare) != 0))
            return false;
        if (!Base64Url.TryDecodeFromChars(raw, scratch, out int length))
            return false;
        value = scratch[..length];
        return true;

        static int Sextet(char c) => c switch
        {
            >= 'A' and <= 'Z' => c - 'A',
            >= 'a' and <= 'z' => c - 'a' + 26,
            >= '0' and <= '9' => c - '0' + 52,
            '-' => 62,
            _ => 63,
        };
    }

    public static bool TryToken(scoped ReadOnlySpan<char> raw, Span<byte> scratch, out ReadOnlySpan<byte> token)
    {
        token = default;
        return raw.Length == TokenChars && TryBase64Url(raw, scratch, out token) && token.Length == TokenBytes;
    }

    public static bool TryExpires(ReadOnlySpan<byte> text, out long expires)
    {
        expires = 0;
        if (text.Length is 0 or > MaxExpiresDigits || text[0] is < (byte)'1' or > (byte)'9')
            return false;
        foreach (byte digit in text)
        {
            if (digit is < (byte)'0' or > (byte)'9')
                return false;
            expires = (expires * 10) + (digit - '0');
        }
        return true;
    }

    public static bool IsUid(ReadOnlySpan<byte> uid) => uid.Length is > 0 and <= MaxUidBytes && IsClean(uid);

    /// <summary>
    /// Strict UTF-8 (no overlong form, no surrogate, nothing cut off) without control characters. No LF inside a field is what
    /// keeps the fields of the signed text apart.
    /// </summary>
    public static bool IsClean(ReadOnlySpan<byte> text)
    {
        if (text.ContainsAnyInRange((byte)0, (byte)0x1f) || !Utf8.IsValid(text))
            return false;
        for (int i = text.IndexOfAny((byte)0x7f, (byte)0xc2); (uint)i < (uint)text.Length; i++)
        {
            // U+0080 to U+009F are C2 80 to C2 9F.
            if (text[i] == 0x7f || (text[i] == 0xc2 && text[i + 1] < 0xa0))
                return false;
        }
        return true;
    }
}
