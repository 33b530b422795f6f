using System.Text;
using Microsoft.Net.Http.Headers;

namespace XLive.Server.Door;

/// <summary>
/// Content-Length as RFC 9110 section 8.6 writes it: digits and nothing else. Kestrel reads "+3" as 3 and a proxy in front may not,
/// which is all that request smuggling needs. Kestrel keeps no raw text of the field, but decodes it with an encoding of the server's
/// choice, so the place to refuse is a decoder that hands on digits and turns anything else into what no parser takes.
/// </summary>
internal sealed class StrictLength : Encoding
{
    private static readonly StrictLength Instance = new();

    // Beside chunked, Kestrel moves the length to this name and fails without an answer where it is taken.
    public const string MovedLength = "X-Content-Length";

    // What a long holds whatever the digits are.
    private const int MostDigits = 18;

    /// <summary>For <c>RequestHeaderEncodingSelector</c>, which is called once a header: null is Kestrel's own decoding.</summary>
    public static Encoding? For(string name)
    {
        if ((object)name == HeaderNames.ContentLength)
            return Instance;
        if (name.Length == MovedLength.Length && name.Equals(MovedLength, StringComparison.OrdinalIgnoreCase))
            throw new BadHttpRequestException("X-Content-Length is nothing that a client may send.");
        return null;
    }

    public override int GetChars(ReadOnlySpan<byte> bytes, Span<char> chars)
    {
        if (!IsLength(bytes))
        {
            chars[0] = '-';
            return 1;
        }
        for (var i = 0; i < bytes.Length; i++)
            chars[i] = (char)bytes[i];
        return bytes.Length;
    }

    private static bool IsLength(ReadOnlySpan<byte> bytes) =>
        bytes.Length is > 0 and <= MostDigits && !bytes.ContainsAnyExceptInRange((byte)'0', (byte)'9');

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex) =>
        GetChars(bytes.AsSpan(byteIndex, byteCount), chars.AsSpan(charIndex));

    public override int GetCharCount(byte[] bytes, int index, int count) => IsLength(bytes.AsSpan(index, count)) ? count : 1;

    public override int GetMaxCharCount(int byteCount) => Math.Max(byteCount, 1);

    public override int GetByteCount(char[] chars, int index, int count) => throw new NotSupportedException();

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) => throw new NotSupportedException();

    public override int GetMaxByteCount(int charCount) => throw new NotSupportedException();
}
