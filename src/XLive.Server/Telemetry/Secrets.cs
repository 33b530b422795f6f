using System.Buffers;

namespace XLive.Server.Telemetry;

/// <summary>
/// Writes a URL, or prose that may hold one, with its secrets as "*": the values of token, key and the like, and the path prefixes
/// ~s1. and ~v1. that carry grants. It reads percent-encoding as a server would, nested too, since a page's own address often holds
/// a whole signed URL as a parameter. A masked value reaches to the next "&amp;", so that nothing after an odd character escapes.
/// </summary>
internal static class Secrets
{
    private static readonly SearchValues<char> s_worthALook = SearchValues.Create("~=%");

    public static void Url(ref Utf8Line line, ReadOnlySpan<char> url, int limit, bool startsInQuery = false) =>
        Write(ref line, url, limit, startsInQuery, prose: false);

    public static void Prose(ref Utf8Line line, ReadOnlySpan<char> text, int limit) =>
        Write(ref line, text, limit, startsInQuery: false, prose: true);

    private static void Write(ref Utf8Line line, ReadOnlySpan<char> text, int limit, bool startsInQuery, bool prose)
    {
        if (text.Length > limit)
        {
            text = text[..limit]; // a character is a byte at least, so nothing that fits is cut
        }
        if (!text.ContainsAny(s_worthALook))
        {
            line.Outside(text, limit);
            return;
        }
        Span<char> name = stackalloc char[LongestName];
        int length = 0;
        bool naming = startsInQuery;
        int shown = 0;
        int left = limit;
        int i = 0;
        while (i < text.Length)
        {
            char c = Decoded(text, i, out int width);
            i += width;
            if (c is '?' or '&' or ';' || (prose && EndsAWord(c)))
            {
                naming = true;
                length = 0;
            }
            else if (c == '=' && naming)
            {
                naming = false;
                if (IsSecret(name[..length]))
                {
                    Masked(ref line, text[shown..i], ref left);
                    i = ValueEnd(text, i, prose);
                    shown = i;
                }
            }
            else if (c == '/')
            {
                naming = false;
                if (GrantAt(text, i, out int grant))
                {
                    Masked(ref line, text[shown..grant], ref left);
                    i = SegmentEnd(text, grant, prose);
                    shown = i;
                }
            }
            else if (naming)
            {
                naming = length < name.Length;
                if (naming)
                {
                    name[length++] = char.ToLowerInvariant(c);
                }
            }
        }
        line.Outside(text[shown..], left);
    }

    private const int LongestName = 16;

    private static bool IsSecret(ReadOnlySpan<char> name) => name is "token" or "access_token" or "key" or "once"
        or "refresh_token" or "password" or "secret" or "api_key";

    private static void Masked(ref Utf8Line line, ReadOnlySpan<char> upTo, ref int left)
    {
        int before = line.Written.Length;
        line.Outside(upTo, left);
        line.Ours("*"u8);
        left = Math.Max(0, left - (line.Written.Length - before));
    }

    private static bool GrantAt(ReadOnlySpan<char> text, int at, out int end)
    {
        ReadOnlySpan<char> tail = "1.";
        end = at;
        if (end >= text.Length || Next(text, ref end) != '~' || end >= text.Length || Next(text, ref end) is not ('s' or 'v'))
        {
            return false;
        }
        foreach (char expected in tail)
        {
            if (end >= text.Length || Next(text, ref end) != expected)
            {
                return false;
            }
        }
        return true;
    }

    private static int SegmentEnd(ReadOnlySpan<char> text, int at, bool prose)
    {
        while (at < text.Length)
        {
            char c = Decoded(text, at, out int width);
            if (c == '/' || text[at] is '?' or '&' || (prose && EndsAWord(c)))
            {
                return at;
            }
            at += width;
        }
        return at;
    }

    private static int ValueEnd(ReadOnlySpan<char> text, int at, bool prose)
    {
        while (at < text.Length && text[at] != '&' && !(prose && EndsAWord(text[at])))
        {
            at++;
        }
        return at;
    }

    private static bool EndsAWord(char c) => c is '"' or '\'' or ',' or '(' or ')' || char.IsWhiteSpace(c);

    private static char Next(ReadOnlySpan<char> text, ref int at)
    {
        char c = Decoded(text, at, out int width);
        at += width;
        return c;
    }

    /// <summary>The character at a place, through any depth of percent-encoding: "%3D" and "%253D" are both "=".</summary>
    private static char Decoded(ReadOnlySpan<char> text, int at, out int width)
    {
        width = 1;
        if (text[at] != '%')
        {
            return text[at];
        }
        int digits = at + 1;
        while (digits + 3 < text.Length && text[digits] == '2' && text[digits + 1] == '5')
        {
            digits += 2;
        }
        if (digits + 1 < text.Length && char.IsAsciiHexDigit(text[digits]) && char.IsAsciiHexDigit(text[digits + 1]))
        {
            width = digits + 2 - at;
            return (char)((Digit(text[digits]) << 4) | Digit(text[digits + 1]));
        }
        return '%';
    }

    private static int Digit(char c) => char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}
