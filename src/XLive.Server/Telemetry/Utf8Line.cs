using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Text;

namespace XLive.Server.Telemetry;

/// <summary>
/// One log line, formatted as UTF-8 into the caller's memory. What comes from outside goes through <see cref="Outside"/>, which
/// lets no line break, control character or terminal escape through: a line in a log is a line that we wrote.
/// It never throws and never grows: each outside text has a bound, and the bounds of a line together are below its memory.
/// </summary>
internal ref struct Utf8Line(Span<byte> memory, bool json)
{
    private static readonly SearchValues<char> s_plain = SearchValues.Create(
        string.Concat(Enumerable.Range(0x20, 0x5f).Select(c => (char)c).Where(c => c is not ('"' or '\\'))));

    private readonly Span<byte> _memory = memory;
    private int _at;

    public readonly bool Json => json;

    public readonly ReadOnlySpan<byte> Written => _memory[.._at];

    public void Ours(ReadOnlySpan<byte> text)
    {
        if (text.TryCopyTo(_memory[_at..]))
        {
            _at += text.Length;
        }
    }

    public void Number(long value)
    {
        if (Utf8Formatter.TryFormat(value, _memory[_at..], out int written))
        {
            _at += written;
        }
    }

    /// <summary>ISO 8601 in UTC with milliseconds, whatever the machine's time zone: logs of several nodes sort together.</summary>
    public void Time(DateTimeOffset time)
    {
        const int upToMilliseconds = 23;
        if (time.UtcDateTime.TryFormat(_memory[_at..], out int written, "O", CultureInfo.InvariantCulture) && written > upToMilliseconds)
        {
            _at += upToMilliseconds;
            Ours("Z"u8);
        }
    }

    public void Address(IPAddress? address, AddressPrivacy privacy)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address is null || privacy == AddressPrivacy.None || !address.TryWriteBytes(bytes, out int length))
        {
            Ours("-"u8);
            return;
        }
        bool mapped = address.IsIPv4MappedToIPv6;
        if (length == 4 || mapped)
        {
            ReadOnlySpan<byte> four = mapped ? bytes[12..] : bytes[..4];
            for (int i = 0; i < 4; i++)
            {
                Number(privacy == AddressPrivacy.Prefix && i == 3 ? 0 : four[i]);
                Ours(i < 3 ? "."u8 : privacy == AddressPrivacy.Prefix ? "/24"u8 : default);
            }
        }
        else if (privacy == AddressPrivacy.Full)
        {
            if (address.TryFormat(_memory[_at..], out int written))
            {
                _at += written;
            }
        }
        else
        {
            for (int i = 0; i < 8; i += 2)
            {
                if (Utf8Formatter.TryFormat((ushort)((bytes[i] << 8) | bytes[i + 1]), _memory[_at..], out int written, 'x'))
                {
                    _at += written;
                }
                Ours(":"u8);
            }
            Ours(":/64"u8);
        }
    }

    /// <summary>Text from outside: at most <paramref name="limit"/> bytes of it, the rest shown as "...".</summary>
    public void Outside(ReadOnlySpan<char> text, int limit)
    {
        int end = Math.Min(_at + limit, _memory.Length);
        while (text.Length > 0)
        {
            int plain = text.IndexOfAnyExcept(s_plain);
            if (plain < 0)
            {
                plain = text.Length;
            }
            if (plain > 0)
            {
                int fits = Math.Min(plain, end - _at);
                Ascii.FromUtf16(text[..fits], _memory[_at..], out int written);
                _at += written;
                if (fits < plain)
                {
                    Ours("..."u8);
                    return;
                }
                text = text[plain..];
            }
            else
            {
                // A broken surrogate decodes to U+FFFD, so what is written is always valid UTF-8.
                Rune.DecodeFromUtf16(text, out Rune rune, out int used);
                if (end - _at < LongestEscape)
                {
                    Ours("..."u8);
                    return;
                }
                One(rune);
                text = text[used..];
            }
        }
    }

    private const int LongestEscape = 16; // four bytes as \xNN in text; two surrogates as \uNNNN are 12

    private void One(Rune rune)
    {
        Span<byte> bytes = stackalloc byte[4];
        if (rune.Value is '"' or '\\')
        {
            _memory[_at++] = (byte)'\\';
            _memory[_at++] = (byte)rune.Value;
        }
        else if (Shows(rune))
        {
            _at += rune.EncodeToUtf8(_memory[_at..]);
        }
        else if (json)
        {
            Span<char> units = stackalloc char[2];
            foreach (char unit in units[..rune.EncodeToUtf16(units)])
            {
                Ours("\\u"u8);
                Hex((byte)(unit >> 8));
                Hex((byte)unit);
            }
        }
        else
        {
            foreach (byte b in bytes[..rune.EncodeToUtf8(bytes)])
            {
                Ours("\\x"u8);
                Hex(b);
            }
        }
    }

    // Format characters are refused too: a right-to-left override turns a line around on the screen.
    private static bool Shows(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);

    private void Hex(byte value)
    {
        ReadOnlySpan<byte> digits = "0123456789abcdef"u8;
        _memory[_at++] = digits[value >> 4];
        _memory[_at++] = digits[value & 15];
    }
}
