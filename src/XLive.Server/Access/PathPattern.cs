namespace XLive.Server.Access;

/// <summary>
/// A pattern over whole paths: "*" is any run within a segment, "**" any run across segments, and "/**/" also a single slash;
/// all else is itself, case and all.
///
/// What stands before the first wildcard and after the last is compared as it is. Between them the pattern is a set of positions
/// in one word, all of which step forward together a character at a time: the time hangs on the length of the path alone, where
/// backtracking would let a visitor's path cost its square.
/// </summary>
public sealed class PathPattern
{
    private const int MostMiddle = 62;

    private readonly string _text;
    private readonly string _prefix;
    private readonly string _suffix;
    private readonly Middle _kind;

    // One bit a position of the middle. Characters beyond ASCII are rare and looked for one by one.
    private readonly ulong[] _asciiLiterals = [];
    private readonly char[] _middle = [];
    private readonly ulong _withinSegment;
    private readonly ulong _acrossSegments;
    private readonly ulong _skipsSlash;
    private readonly bool _beyondAscii;

    private enum Middle : byte { None, WithinSegment, AcrossSegments, Mixed }

    private const char Within = '\uFFFE';
    private const char Across = '\uFFFF';

    /// <exception cref="FormatException">The message names the pattern.</exception>
    public PathPattern(string text)
    {
        _text = text;
        if (Fault(text) is { } fault)
            throw new FormatException($"'{text}' {fault}");
        // "/**/**/" says no more than "/**/".
        string pattern = text;
        while (pattern.Contains("/**/**", StringComparison.Ordinal))
            pattern = pattern.Replace("/**/**", "/**", StringComparison.Ordinal);
        int first = pattern.IndexOf('*', StringComparison.Ordinal);
        if (first < 0)
        {
            _prefix = pattern;
            _suffix = "";
            return;
        }
        int after = pattern.LastIndexOf('*') + 1;
        // The slash that "/**/" may swallow belongs to the wildcard, not to what must follow it.
        if (pattern.AsSpan(0, after).EndsWith("/**") && after < pattern.Length && pattern[after] == '/')
            after++;
        _prefix = pattern[..first];
        _suffix = pattern[after..];
        string between = pattern[first..after];
        _kind = between switch { "*" => Middle.WithinSegment, "**" => Middle.AcrossSegments, _ => Middle.Mixed };
        if (_kind != Middle.Mixed)
            return;

        _middle = between.Replace("**", Across.ToString(), StringComparison.Ordinal).Replace('*', Within).ToCharArray();
        if (_middle.Length > MostMiddle)
            throw new FormatException($"'{text}' has more than {MostMiddle} characters between its first wildcard and its last");
        _asciiLiterals = new ulong[128];
        for (int i = 0; i < _middle.Length; i++)
        {
            ulong bit = 1UL << i;
            char before = i > 0 ? _middle[i - 1] : _prefix.Length > 0 ? _prefix[^1] : '\0';
            if (_middle[i] == Within)
                _withinSegment |= bit;
            else if (_middle[i] == Across)
            {
                _acrossSegments |= bit;
                if (before == '/' && i + 1 < _middle.Length && _middle[i + 1] == '/')
                    _skipsSlash |= bit;
            }
            else if (_middle[i] < 128)
                _asciiLiterals[_middle[i]] |= bit;
            else
                _beyondAscii = true;
        }
    }

    /// <summary>What is wrong with a pattern, or null.</summary>
    public static string? Fault(string text)
    {
        if (!text.StartsWith('/') && !text.StartsWith("**", StringComparison.Ordinal))
            return "begins neither with / nor with **, so it matches no path";
        if (text.Contains("***", StringComparison.Ordinal))
            return "has more than two stars in a row";
        foreach (char c in text)
        {
            if (char.IsControl(c) || c is Within or Across)
                return "has a control character";
        }
        return null;
    }

    public bool Matches(ReadOnlySpan<char> path)
    {
        if (_kind == Middle.None)
            return path.SequenceEqual(_prefix);
        if (path.Length < _prefix.Length + _suffix.Length || !path.StartsWith(_prefix) || !path.EndsWith(_suffix))
            return false;
        path = path[_prefix.Length..^_suffix.Length];
        return _kind switch
        {
            Middle.AcrossSegments => true,
            Middle.WithinSegment => !path.Contains('/'),
            _ => MatchesMiddle(path),
        };
    }

    public override string ToString() => _text;

    private bool MatchesMiddle(ReadOnlySpan<char> path)
    {
        // Bit i: everything before position i of the middle has been matched.
        ulong at = Pass(1, staying: 0);
        foreach (char c in path)
        {
            ulong literal = c < 128 ? _asciiLiterals[c] : _beyondAscii ? Literal(c) : 0;
            ulong stays = c == '/' ? _acrossSegments : _acrossSegments | _withinSegment;
            at = Pass((at & literal) << 1, at & stays);
            if (at == 0)
                return false;
        }
        return ((at >> _middle.Length) & 1) != 0;
    }

    /// <summary>A wildcard may be passed without a character; "**/" as a whole only by who has just come to it.</summary>
    private ulong Pass(ulong arriving, ulong staying)
    {
        ulong at = arriving | staying | ((arriving & _skipsSlash) << 2);
        return at | ((at & (_withinSegment | _acrossSegments)) << 1);
    }

    private ulong Literal(char c)
    {
        ulong mask = 0;
        for (int i = 0; i < _middle.Length; i++)
            mask |= _middle[i] == c ? 1UL << i : 0;
        return mask;
    }
}

/// <summary>A list of patterns: a path is in it when any of them matches.</summary>
public sealed class PathPatterns
{
    public static readonly PathPatterns None = new([]);

    private readonly PathPattern[] _patterns;

    /// <exception cref="FormatException">The message names the pattern.</exception>
    public PathPatterns(IEnumerable<string> patterns) => _patterns = [.. patterns.Select(static text => new PathPattern(text))];

    public int Count => _patterns.Length;

    public bool Matches(ReadOnlySpan<char> path)
    {
        foreach (PathPattern pattern in _patterns)
        {
            if (pattern.Matches(path))
                return true;
        }
        return false;
    }
}
