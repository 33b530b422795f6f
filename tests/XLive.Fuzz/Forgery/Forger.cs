using XLive.Fuzz.Engine;

namespace XLive.Fuzz.Forgery;

/// <summary>What can be done to a link by who has one and wants another.</summary>
public enum Trick { Bit, Byte, Swapped, Truncated, Extended, Case, Encoded, Moved, Repeated, Spliced, Spare, Bare }

/// <summary>Makes one text into another that its reader must not take for what it was not.</summary>
public static class Forger
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    private const string Signs = "?&=%/.*+-_~#;:@\"' \\";

    private static readonly Trick[] All = Enum.GetValues<Trick>();

    /// <param name="parts">Between the parts of the text: '&amp;' of a query, '.' of a token.</param>
    /// <param name="other">Another right one, to take parts from.</param>
    public static string Forge(string text, char parts, string other, Dice dice, out Trick trick)
    {
        trick = dice.Pick<Trick>(All);
        // Half of what is done to single characters is done where the signature stands.
        var signature = Signature(text);
        var (from, length) = dice.OneIn(2) && signature.Length > 0 ? signature : (0, text.Length);
        var place = Math.Min(from + dice.Below(length), text.Length - 1);
        return trick switch
        {
            Trick.Bit => Put(text, place, (char)(text[place] ^ (1 << dice.Below(8)))),
            Trick.Byte => Put(text, place, Another(text[place], dice)),
            Trick.Swapped => Swap(text, place, Math.Min(from + dice.Below(length), text.Length - 1)),
            Trick.Truncated => dice.OneIn(2) ? text[..place] : text.Remove(place, 1 + dice.Below(Math.Min(4, text.Length - place))),
            Trick.Extended => text.Insert(dice.OneIn(2) ? place : text.Length, Filling(dice)),
            Trick.Case => Case(text, place, dice.OneIn(2) ? 1 : dice.Below(44)),
            Trick.Encoded => Encode(text, place, dice),
            Trick.Moved => Move(text, parts, dice),
            Trick.Repeated => Repeat(text, parts, other, dice),
            Trick.Spliced => Splice(text, parts, other, dice),
            Trick.Spare => Spare(text, signature.From + signature.Length - 1, dice),
            _ => Bare(text, parts, dice),
        };
    }

    /// <summary>After "token="; the end of a path's first segment, where that is a grant; the last part of a JWT.</summary>
    private static (int From, int Length) Signature(string text)
    {
        var end = text.StartsWith("/~", StringComparison.Ordinal) ? text.IndexOf('/', 1) : text.Length;
        end = end < 0 ? text.Length : end;
        var named = text.IndexOf("token=", StringComparison.Ordinal) + 6;
        if (named >= 6)
            end = text.IndexOf('&', named) is >= 0 and var next ? next : text.Length;
        var from = named >= 6 ? named : text.LastIndexOf('.', end - 1) + 1;
        return (from, end - from);
    }

    private static string Put(string text, int at, char c) => string.Concat(text.AsSpan(0, at), [c], text.AsSpan(at + 1));

    private static char Another(char c, Dice dice)
    {
        var from = dice.OneIn(4) ? Signs : Alphabet;
        var other = from[dice.Below(from.Length)];
        return other == c ? (char)(c + 1) : other;
    }

    private static string Swap(string text, int one, int other) => Put(Put(text, one, text[other]), other, text[one]);

    private static string Filling(Dice dice) =>
        dice.Pick("A", "=", "==", "%3D", "%00", "%0A", "+", "&", "&x=1", "/", "/../", "?", "#", ".", "%20", "0", "1", "&uid=u0", "&scope=/", "&kid=k2", "&expires=1999999999");

    private static string Case(string text, int at, int many)
    {
        for (; at < text.Length && many > 0; at++, many--)
        {
            if (char.IsAsciiLetter(text[at]))
                text = Put(text, at, (char)(text[at] ^ 0x20));
        }
        return text;
    }

    private static string Encode(string text, int at, Dice dice)
    {
        var digits = dice.OneIn(2) ? "0123456789abcdef" : "0123456789ABCDEF";
        var escape = $"{dice.Pick("%", "%", "%", "%25")}{digits[(text[at] >> 4) & 15]}{digits[text[at] & 15]}";
        return string.Concat(text.AsSpan(0, at), escape, text.AsSpan(at + 1));
    }

    private static (string Head, string[] Parts) Split(string text, char parts)
    {
        var query = parts == '&' ? text.IndexOf('?') + 1 : 0;
        return (text[..query], text[query..].Split(parts));
    }

    private static string Move(string text, char parts, Dice dice)
    {
        var (head, list) = Split(text, parts);
        var (one, other) = (dice.Below(list.Length), dice.Below(list.Length));
        (list[one], list[other]) = (list[other], list[one]);
        return head + string.Join(parts, list);
    }

    private static string Repeat(string text, char parts, string other, Dice dice)
    {
        var (head, list) = Split(text, parts);
        var from = dice.OneIn(2) ? list : Split(other, parts).Parts;
        var more = list.ToList();
        more.Insert(dice.Below(list.Length + 1), from[dice.Below(from.Length)]);
        return head + string.Join(parts, more);
    }

    private static string Splice(string text, char parts, string other, Dice dice)
    {
        var (head, list) = Split(text, parts);
        var (otherHead, others) = Split(other, parts);
        if (head.Length > 0 && dice.OneIn(4))
            return otherHead + string.Join(parts, list);
        var at = dice.Below(Math.Min(list.Length, others.Length));
        list[at] = others[at];
        return head + string.Join(parts, list);
    }

    /// <summary>43 characters hold 258 bits, and a token has 256: three other last characters would decode to the same bytes.</summary>
    private static string Spare(string text, int at, Dice dice)
    {
        var value = at < 0 ? -1 : Alphabet.IndexOf(text[at], StringComparison.Ordinal);
        return value < 0 ? text + "A" : Put(text, at, Alphabet[value ^ (1 + dice.Below(3))]);
    }

    private static string Bare(string text, char parts, Dice dice)
    {
        var (head, list) = Split(text, parts);
        var at = dice.Below(list.Length);
        list[at] = dice.OneIn(2) ? "" : list[at].Split('=')[0] + "=";
        return head + string.Join(parts, list);
    }
}
