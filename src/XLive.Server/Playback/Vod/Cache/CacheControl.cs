using XLive.Server.Settings;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// What a response's Cache-Control says to a shared cache (RFC 9111 section 5.2.2), or the CDN-Cache-Control that stands above it
/// (RFC 9213). A directive that says two things, or a number that is none, counts as the stricter: not fresh.
/// </summary>
internal readonly struct CacheControl
{
    // RFC 9111 section 1.2.2: what is too large to be held is taken for this.
    private const long Longest = int.MaxValue;

    public bool IsPresent { get; private init; }
    public bool NoStore { get; private init; }
    public bool NoCache { get; private init; }
    public bool IsPrivate { get; private init; }
    public bool IsPublic { get; private init; }
    public bool MustRevalidate { get; private init; }
    public bool MustUnderstand { get; private init; }

    /// <summary>Seconds; -1: not said.</summary>
    public long MaxAge { get; private init; }
    public long SharedMaxAge { get; private init; }
    public long StaleWhileRevalidate { get; private init; }
    public long StaleIfError { get; private init; }

    public static CacheControl None => new() { MaxAge = -1, SharedMaxAge = -1, StaleWhileRevalidate = -1, StaleIfError = -1 };

    /// <summary>Of all lines of the field, in order.</summary>
    public static CacheControl Parse(IReadOnlyList<KeyValuePair<string, string>> headers, string field)
    {
        var read = new Reading();
        for (var i = 0; i < headers.Count; i++)
        {
            if (string.Equals(headers[i].Key, field, StringComparison.OrdinalIgnoreCase))
                read.Line(headers[i].Value);
        }
        return read.Result;
    }

    private struct Reading()
    {
        private bool _present, _noStore, _noCache, _private, _public, _mustRevalidate, _mustUnderstand;
        private long _maxAge = -1, _shared = -1, _while = -1, _error = -1;

        public readonly CacheControl Result => new()
        {
            IsPresent = _present, NoStore = _noStore, NoCache = _noCache, IsPrivate = _private, IsPublic = _public,
            MustRevalidate = _mustRevalidate, MustUnderstand = _mustUnderstand,
            MaxAge = _maxAge, SharedMaxAge = _shared, StaleWhileRevalidate = _while, StaleIfError = _error,
        };

        public void Line(ReadOnlySpan<char> rest)
        {
            while (Next(ref rest, out var name, out var value))
                Take(name, value);
        }

        private void Take(ReadOnlySpan<char> name, ReadOnlySpan<char> value)
        {
            _present = true;
            if (Is(name, "no-store"))
                _noStore = true;
            // With field names it forbids the reuse of those alone; a cache may be stricter (section 5.2.2.4), and no film needs more.
            else if (Is(name, "no-cache"))
                _noCache = true;
            else if (Is(name, "private"))
                _private = true;
            else if (Is(name, "public"))
                _public = true;
            else if (Is(name, "must-revalidate") || Is(name, "proxy-revalidate"))
                _mustRevalidate = true;
            else if (Is(name, "must-understand"))
                _mustUnderstand = true;
            else if (Is(name, "max-age"))
                Shortest(ref _maxAge, value, 0);
            else if (Is(name, "s-maxage"))
                Shortest(ref _shared, value, 0);
            else if (Is(name, "stale-while-revalidate"))
                Shortest(ref _while, value, -1);
            else if (Is(name, "stale-if-error"))
                Shortest(ref _error, value, -1);
        }

        private static bool Is(ReadOnlySpan<char> name, string directive) => name.Equals(directive, StringComparison.OrdinalIgnoreCase);

        private static void Shortest(ref long seconds, ReadOnlySpan<char> value, long ifNone)
        {
            var said = DeltaSeconds(value, ifNone);
            seconds = seconds < 0 ? said : Math.Min(seconds, said);
        }
    }

    /// <summary>1*DIGIT, or what to take for anything else.</summary>
    public static long DeltaSeconds(ReadOnlySpan<char> text, long ifNone)
    {
        if (text.IsEmpty || text.ContainsAnyExceptInRange('0', '9'))
            return ifNone;
        return WholeNumber.TryRead(text, out var seconds) ? Math.Min(seconds, Longest) : Longest;
    }

    /// <summary>token [ "=" ( token / quoted-string ) ] of a comma-separated list; a comma in quotes separates nothing.</summary>
    internal static bool Next(ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> name, out ReadOnlySpan<char> value)
    {
        rest = rest.TrimStart(" \t,");
        name = value = default;
        if (rest.IsEmpty)
            return false;
        var end = rest.IndexOfAny(',', '=');
        if (end < 0 || rest[end] == ',')
        {
            name = rest[..(end < 0 ? rest.Length : end)].TrimEnd(" \t");
            rest = end < 0 ? default : rest[end..];
            // RFC 9213's parameters are not of this directive.
            if (name.IndexOf(';') is var semicolon and >= 0)
                name = name[..semicolon].TrimEnd(" \t");
            return true;
        }
        name = rest[..end];
        rest = rest[(end + 1)..];
        if (!rest.IsEmpty && rest[0] == '"')
        {
            var close = 1;
            while (close < rest.Length && rest[close] != '"')
                close += rest[close] == '\\' ? 2 : 1;
            close = Math.Min(close, rest.Length);
            value = rest[1..close];
            rest = rest[Math.Min(close + 1, rest.Length)..];
            var after = rest.IndexOf(',');
            rest = after < 0 ? default : rest[after..];
            return true;
        }
        var comma = rest.IndexOf(',');
        value = rest[..(comma < 0 ? rest.Length : comma)].TrimEnd(" \t");
        rest = comma < 0 ? default : rest[comma..];
        return true;
    }
}
