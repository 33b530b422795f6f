using System.Text.RegularExpressions;
using XLive.Fuzz.Engine;
using XLive.Server.Playback.Vod.Cache;

namespace XLive.Fuzz.Inputs;

/// <summary>Cache-Control and CDN-Cache-Control of an origin: how long, and whether at all.</summary>
public sealed partial class CacheControlFuzzer : Fuzzer<string>
{
    public override string Name => "cache-control";

    public override string Target => "`CacheControl`, `TargetedControl`";

    protected override string[] Tokens { get; } =
    [
        "max-age", "s-maxage", "no-store", "no-cache", "private", "public", "must-revalidate", "must-understand", "stale-while-revalidate", "stale-if-error",
        "=", "=\"", "\"", ",", ", ", ";", "; a=1", "60", "0", "-1", "1.5", "99999999999999999999", "\\\"", "?1", ":YQ==:", " ", "\t", "a", "Max-Age", "=max-age=1",
    ];

    protected override string Generate(Dice dice) => string.Join(dice.Pick(",", ", ", " ,"), Enumerable.Range(0, dice.Below(6)).Select(_ =>
        dice.Pick("max-age", "s-maxage", "no-store", "private", "x", "stale-if-error", "public") + dice.Pick("", "=60", "=\"60\"", "=\"a,max-age=9\"", "=0", "= 5", "=x")));

    protected override string Read(string input) => Wide(input);

    protected override bool Parse(string input) => CacheControl.Parse([KeyValuePair.Create("Cache-Control", input)], "cache-control").IsPresent | TargetedControl.IsDictionary(input);

    protected override void Verify(string input, bool accepted)
    {
        var read = CacheControl.Parse([KeyValuePair.Create("Cache-Control", input)], "cache-control");
        var seen = Members(input);
        FuzzFailure.Equal(seen.Exists(static m => Is(m.Name, "no-store")), read.NoStore, "no-store");
        FuzzFailure.Equal(seen.Exists(static m => Is(m.Name, "private")), read.IsPrivate, "private");
        FuzzFailure.Equal(Least(seen, "max-age"), read.MaxAge, "max-age");
        FuzzFailure.Equal(Least(seen, "s-maxage"), read.SharedMaxAge, "s-maxage");
        if (TargetedControl.IsDictionary(input))
            FuzzFailure.Equal(true, Dictionary().IsMatch(input), "a structured dictionary");
    }

    private static bool Is(string name, string directive) => name.Equals(directive, StringComparison.OrdinalIgnoreCase);

    private static long Least(List<(string Name, string Value)> members, string name)
    {
        var said = members.Where(m => Is(m.Name, name)).Select(static m => m.Value).ToList();
        return said.Count == 0 ? -1
            : said.Min(static v => v.Length > 0 && v.All(char.IsAsciiDigit) ? (long)System.Numerics.BigInteger.Min(System.Numerics.BigInteger.Parse(v), int.MaxValue) : 0);
    }

    /// <summary>Character by character, where the parser looks ahead.</summary>
    private static List<(string Name, string Value)> Members(string text)
    {
        var members = new List<(string, string)>();
        for (var at = 0; at < text.Length;)
        {
            if (text[at] is ' ' or '\t' or ',')
            {
                at++;
                continue;
            }
            var begin = at;
            while (at < text.Length && text[at] is not (',' or '='))
                at++;
            var name = text[begin..at];
            var value = "";
            if (at == text.Length || text[at] == ',')
            {
                name = name.TrimEnd(' ', '\t').Split(';')[0].TrimEnd(' ', '\t');
            }
            else if (++at < text.Length && text[at] == '"')
            {
                var from = ++at;
                while (at < text.Length && text[at] != '"')
                    at += text[at] == '\\' ? 2 : 1;
                value = text[from..Math.Min(at, text.Length)];
                at = Math.Min(at + 1, text.Length);
                while (at < text.Length && text[at] != ',')
                    at++;
            }
            else
            {
                var from = at;
                while (at < text.Length && text[at] != ',')
                    at++;
                value = text[from..at].TrimEnd(' ', '\t');
            }
            members.Add((name, value));
        }
        return members;
    }

    private const string Bare = """(?:\?[01]|"(?:[^"\\]|\\.)*"|:[^:]*:|[A-Za-z0-9*\-][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*)""";
    private const string Name1 = @"[a-z*][a-z0-9_\-.*]*";

    [GeneratedRegex($@"\A[ \t]*{Name1}(?:={Bare})?(?:; *{Name1}(?:={Bare})?)*(?:[ \t]*,[ \t]*{Name1}(?:={Bare})?(?:; *{Name1}(?:={Bare})?)*)*[ \t]*\z", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Dictionary();
}
