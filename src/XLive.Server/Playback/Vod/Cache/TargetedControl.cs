using System.Buffers;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>Is a CDN-Cache-Control the structured dictionary that RFC 9213 section 2.1 wants? One that is not counts as absent, whatever it seems to say.</summary>
internal static class TargetedControl
{
    private static readonly SearchValues<char> KeyFirst = SearchValues.Create("abcdefghijklmnopqrstuvwxyz*");
    private static readonly SearchValues<char> KeyRest = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-.*");
    private static readonly SearchValues<char> TokenRest =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~:/");

    public static bool IsDictionary(ReadOnlySpan<char> rest)
    {
        rest = rest.Trim(" \t");
        while (true)
        {
            if (!Key(ref rest, out var name))
                return false;
            var isNumber = name is "max-age" or "s-maxage" or "stale-while-revalidate" or "stale-if-error";
            if (Begins(rest, '='))
            {
                rest = rest[1..];
                if (isNumber ? !Digits(ref rest) : !Item(ref rest))
                    return false;
            }
            else if (isNumber)
            {
                return false;
            }
            while (Begins(rest, ';'))
            {
                rest = rest[1..].TrimStart(' ');
                if (!Key(ref rest, out _))
                    return false;
                if (Begins(rest, '='))
                {
                    rest = rest[1..];
                    if (!Item(ref rest))
                        return false;
                }
            }
            rest = rest.TrimStart(" \t");
            if (rest.IsEmpty)
                return true;
            if (rest[0] != ',')
                return false;
            rest = rest[1..].TrimStart(" \t");
        }
    }

    private static bool Begins(ReadOnlySpan<char> rest, char with) => !rest.IsEmpty && rest[0] == with;

    private static bool Key(ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> name)
    {
        name = default;
        if (rest.IsEmpty || !KeyFirst.Contains(rest[0]))
            return false;
        var end = rest.IndexOfAnyExcept(KeyRest);
        name = end < 0 ? rest : rest[..end];
        rest = rest[name.Length..];
        return true;
    }

    private static bool Digits(ref ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOfAnyExceptInRange('0', '9');
        var count = end < 0 ? rest.Length : end;
        rest = rest[count..];
        // "10.5" is a number there, and no count of seconds.
        return count > 0 && !Begins(rest, '.');
    }

    /// <summary>A bare item of RFC 8941: number, token, boolean, string, bytes. Inner lists say nothing to a cache.</summary>
    private static bool Item(ref ReadOnlySpan<char> rest)
    {
        if (rest.IsEmpty)
            return false;
        var first = rest[0];
        switch (first)
        {
            case '?':
                if (rest.Length < 2 || rest[1] is not ('0' or '1'))
                    return false;
                rest = rest[2..];
                return true;
            case '"' or ':':
                var close = 1;
                while (close < rest.Length && rest[close] != first)
                    close += rest[close] == '\\' && first == '"' ? 2 : 1;
                if (close >= rest.Length)
                    return false;
                rest = rest[(close + 1)..];
                return true;
        }
        if (!char.IsAsciiLetterOrDigit(first) && first is not ('*' or '-'))
            return false;
        var end = rest[1..].IndexOfAnyExcept(TokenRest);
        rest = end < 0 ? default : rest[(end + 1)..];
        return true;
    }
}
