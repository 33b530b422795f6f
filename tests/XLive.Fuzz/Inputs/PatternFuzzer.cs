using System.Text;
using XLive.Fuzz.Engine;
using XLive.Server.Access;

namespace XLive.Fuzz.Inputs;

/// <summary>A path pattern and, on the next line, a path: beside a matcher that goes through every place.</summary>
public sealed class PatternFuzzer : Fuzzer<(string Pattern, string Path)>, IDisposable
{
    private readonly GuardedBuffer<char> _path = new();
    private PathPattern? _pattern;
    private bool _matches;

    public override string Name => "patterns";

    public override string Target => "`PathPattern`";

    protected override string[] Tokens { get; } =
        ["*", "**", "***", "/", "/*", "/**", "/**/", "*/", "**/", "/**/**/", "*.ts", "a*b", "\n", "?", ".", "a", "*a*a*a*", "**a**a**", "\u00ef\u00bf\u00bf", "\u00c3\u00a9", "\\", "[a]", "$", "{"];

    private static readonly string[] Pieces = ["/", "/", "/films", "/a", "*", "**", "/**/", ".ts", "a", "b", "/*", "\u00fc", "-"];

    protected override string Generate(Dice dice)
    {
        var pattern = new StringBuilder(dice.OneIn(6) ? "**" : "/");
        for (var n = dice.Below(8); n > 0; n--)
            pattern.Append(dice.Pick<string>(Pieces));
        var path = new StringBuilder();
        for (var n = dice.Below(6); n > 0; n--)
            path.Append(dice.Pick("/", "/films", "/a", "a", "b", ".ts", "\u00fc", "-"));
        var text = pattern.ToString();
        // Often a path that the pattern was made for.
        var made = dice.OneIn(2) ? text.Replace("/**/", dice.Pick("/", "/a/b/")).Replace("**", dice.Pick("", "/x/y", "a")).Replace("*", dice.Pick("", "z", "b.ts")) : path.ToString();
        return Latin(Encoding.UTF8.GetBytes(text + "\n" + made));
    }

    protected override (string Pattern, string Path) Read(string input)
    {
        var lines = Wide(input).Split('\n', 2);
        // The pattern is the operator's own.
        if (lines[0].Length > 1024)
            lines[0] = lines[0][..1024];
        var path = lines.Length > 1 ? lines[1] : "";
        _path.Put(path);
        return (lines[0], path);
    }

    protected override bool Parse((string Pattern, string Path) input)
    {
        try
        {
            _pattern = new PathPattern(input.Pattern);
        }
        catch (FormatException)
        {
            return false;
        }
        _matches = _pattern.Matches(_path.GetSpan());
        return true;
    }

    protected override void Verify((string Pattern, string Path) input, bool accepted)
    {
        var pattern = input.Pattern;
        var formed = (pattern.StartsWith('/') || pattern.StartsWith("**", StringComparison.Ordinal)) && !pattern.Contains("***")
            && !pattern.Any(static c => char.IsControl(c) || c >= '\uFFFE');
        if (accepted || !formed)
            FuzzFailure.Equal(formed, accepted, "well formed");
        else
            FuzzFailure.Unless(pattern.LastIndexOf('*') - pattern.IndexOf('*') > 40, "refused though short between its wildcards");
        if (!accepted)
            return;
        FuzzFailure.Equal(pattern, _pattern!.ToString(), "printed");
        if (pattern.Length * input.Path.Length < 10_000)
            FuzzFailure.Equal(Matches(pattern, input.Path), _matches, "matches");
    }

    /// <summary>From the end of both: may the rest of the pattern be the rest of the path?</summary>
    private static bool Matches(string pattern, string path)
    {
        var may = new bool[pattern.Length + 1, path.Length + 1];
        for (var p = pattern.Length; p >= 0; p--)
        {
            for (var at = path.Length; at >= 0; at--)
            {
                var rest = pattern.AsSpan(p);
                may[p, at] = rest switch
                {
                    [] => at == path.Length,
                    // A slash, or two with anything between; the second may be the first of the next.
                    ['/', '*', '*', '/', ..] => at < path.Length && path[at] == '/' && (may[p + 3, at] || Later(p + 3, at + 1, true)),
                    ['*', '*', ..] => Later(p + 2, at, true),
                    ['*', ..] => Later(p + 1, at, false),
                    _ => at < path.Length && path[at] == pattern[p] && may[p + 1, at + 1],
                };
            }
        }
        return may[0, 0];

        bool Later(int next, int from, bool slashes)
        {
            for (var end = from; end <= path.Length; end++)
            {
                if (may[next, end])
                    return true;
                if (end < path.Length && path[end] == '/' && !slashes)
                    return false;
            }
            return false;
        }
    }

    public void Dispose() => ((IDisposable)_path).Dispose();
}
