using System.Text;
using System.Text.RegularExpressions;

namespace XLive.Fuzz.Engine;

/// <summary>Damages a text of bytes (a character each, Latin-1): bytes, words of its grammar, numbers, encodings, lengths, splices.</summary>
public static partial class Mutator
{
    public const int Longest = 64 << 10;

    /// <param name="tokens">Words of the grammar, and what its readers stumble over.</param>
    /// <param name="other">Another text of the same grammar, to splice with.</param>
    public static string Mutate(string text, Dice dice, string[] tokens, string other)
    {
        // Mostly one change or two: what is damaged in ten places is refused at the first.
        var changes = dice.OneIn(10) ? 3 + dice.Below(6) : 1 + dice.Below(2);
        for (; changes > 0; changes--)
            text = Change(text, dice, tokens, other);
        return text.Length <= Longest ? text : text[..Longest];
    }

    private static string Change(string text, Dice dice, string[] tokens, string other)
    {
        var at = dice.Below(text.Length + 1);
        var length = Math.Min(dice.OneIn(4) ? dice.Below(64) : 1 + dice.Below(8), text.Length - at);
        var piece = text.AsSpan(at, length);
        var before = text.AsSpan(0, at);
        var after = text.AsSpan(at + length);
        switch (dice.Below(16))
        {
            case 0: // a bit
                return at == text.Length ? text : Put(text, at, (char)(text[at] ^ (1 << dice.Below(8))));
            case 1: // a byte
                return at == text.Length ? text : Put(text, at, (char)dice.Below(256));
            case 2: // one more
                return string.Concat(before, [(char)dice.Below(256)], text.AsSpan(at));
            case 3: // fewer
                return string.Concat(before, after);
            case 4: // cut short
                return before.ToString();
            case 5: // twice
                return string.Concat(before, piece, text.AsSpan(at));
            case 6: // many times, rarely very many
                var times = dice.OneIn(40) ? 1 + dice.Below(Longest) : 2 + dice.Below(12);
                return Repeated(before, piece, Math.Min(times, (Longest / Math.Max(length, 1)) + 1), after);
            case 7 or 8 or 9: // a word
                return string.Concat(before, dice.Pick(tokens), dice.OneIn(2) ? after : text.AsSpan(at));
            case 10: // a number at a border
                return Renumbered(text, dice);
            case 11: // percent-encoded, once or twice, or by halves
                return Escaped(before, piece, after, dice);
            case 12: // UTF-8 that is not
                return string.Concat(before, dice.Pick(Utf8Faults), dice.OneIn(2) ? after : text.AsSpan(at));
            case 13: // the other case
                return string.Concat(before, Swapped(piece), after);
            case 14: // two places change places
                var far = after.IsEmpty ? 0 : dice.Below(after.Length);
                var width = Math.Min(length, after.Length - far);
                return string.Concat(string.Concat(before, after.Slice(far, width), after[..far]), piece, after[(far + width)..]);
            default: // this one's head and the other's tail
                return string.Concat(before, other.AsSpan(dice.Below(other.Length + 1)));
        }
    }

    // Overlong . / \ NUL, a lone continuation, a surrogate, beyond Unicode, a byte order mark, half a character.
    private static readonly string[] Utf8Faults =
    [
        "\u00c0\u00ae", "\u00c0\u00af", "\u00e0\u0080\u00af", "\u00c1\u009c", "\u00c0\u0080", "\u0080", "\u00bf", "\u00ed\u00a0\u0080",
        "\u00f4\u0090\u0080\u0080", "\u00ef\u00bb\u00bf", "\u00ff\u00fe", "\u00c3", "\u00e2\u0082", "\u00f0\u009f\u0098", "%c0%ae", "%c0%af", "%e0%80%ae",
        "%f0%80%80%ae", "%c1%9c", "%c0%80", "%ed%a0%80", "%f4%90%80%80", "%ff", "%c3", "%u002e", "%C2%85", "%E2%80%A8", "%EF%BC%8F",
    ];

    private static string Put(string text, int at, char c) => string.Concat(text.AsSpan(0, at), [c], text.AsSpan(at + 1));

    private static string Repeated(ReadOnlySpan<char> before, ReadOnlySpan<char> piece, int times, ReadOnlySpan<char> after)
    {
        var text = new StringBuilder(before.Length + (piece.Length * times) + after.Length).Append(before);
        for (var i = 0; i < times; i++)
            text.Append(piece);
        return text.Append(after).ToString();
    }

    private static string Renumbered(string text, Dice dice)
    {
        var numbers = Numbers().Matches(text);
        if (numbers.Count == 0)
            return text + dice.Number();
        var which = numbers[dice.Below(numbers.Count)];
        return string.Concat(text.AsSpan(0, which.Index), dice.Number(), text.AsSpan(which.Index + which.Length));
    }

    private static string Escaped(ReadOnlySpan<char> before, ReadOnlySpan<char> piece, ReadOnlySpan<char> after, Dice dice)
    {
        var percent = dice.Pick("%", "%", "%", "%25", "%%");
        var digits = dice.OneIn(2) ? "0123456789abcdef" : "0123456789ABCDEF";
        var text = new StringBuilder().Append(before);
        foreach (var c in piece)
            text.Append(percent).Append(digits[(c >> 4) & 15]).Append(digits[c & 15]);
        return text.Append(after).ToString();
    }

    private static string Swapped(ReadOnlySpan<char> piece)
    {
        Span<char> swapped = stackalloc char[piece.Length];
        for (var i = 0; i < piece.Length; i++)
            swapped[i] = char.IsAsciiLetter(piece[i]) ? (char)(piece[i] ^ 0x20) : piece[i];
        return swapped.ToString();
    }

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Numbers();
}
