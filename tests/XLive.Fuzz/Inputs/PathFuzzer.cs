using System.Text;
using System.Text.RegularExpressions;
using XLive.Fuzz.Engine;
using XLive.Server.Door;

namespace XLive.Fuzz.Inputs;

/// <summary>Request targets. What is accepted and what it comes to is told a second time, by regular expressions.</summary>
public sealed partial class PathFuzzer : Fuzzer<string>
{
    private const string Root = "/srv/media";

    // What the second reading made of the last target, and what the parser did.
    private RequestTarget _parsed;
    private string _fault = "";

    public override string Name => "paths";

    public override string Target => "`RequestTarget`";

    protected override string[] Tokens { get; } =
    [
        "/", "//", "/.", "/..", "/../", "/./", "%2e", "%2E%2e", "%2f", "%5c", "\\", "%00", "\0", "%", "%25", "%252e", "%25%32%65", "%%32%65", "?", "#", "~", "/~v1.",
        "/~s1.a.b", "%7e", ";", ":", "@", "http://host", "*", " ", "+", "%20", "\r\n", "%0d%0a", "\t", "%C3%A9", "%E2%88%95", "...", "..;/", "|", "\"", "<", "%7F",
    ];

    private static readonly string[] Names =
    [
        "video", "2024-01-01", "movie1", "playlist.m3u8", "seg7.m4s", "a", "caf%C3%A9", "%E6%97%A5%E6%9C%AC", "a%20b", "100%25", "%F0%9F%8E%AC", "x;y=1", "...",
        ".hidden", "a.b", "%41", "live", "~own", "(1)", "a+b", "%5B1%5D", "%22q%22", "-", "_", "@2x", "%ef%bc%8f", "%C2%A0",
    ];

    protected override string Generate(Dice dice)
    {
        var text = new StringBuilder();
        if (dice.OneIn(6))
            text.Append(dice.Pick("/~s1.", "/~v1.", "/~x", "/%7Es1.")).Append(dice.Pick("abc.def", "", "a.b.c.d.e"));
        for (var segments = 1 + dice.Below(dice.OneIn(20) ? 200 : 6); segments > 0; segments--)
            text.Append('/').Append(dice.Pick(Names));
        if (dice.OneIn(8))
            text.Append('/');
        if (dice.OneIn(3))
            text.Append("?uid=u1&expires=1&token=").Append(dice.Pick("abc", "%00", "/../x", ""));
        return text.ToString();
    }

    protected override string Read(string input) => input;

    protected override bool Parse(string input) => RequestTarget.TryParse(input, out _parsed, out _fault);

    protected override void Verify(string input, bool accepted)
    {
        var whole = Reading(input);
        FuzzFailure.Equal(whole is not null, accepted, $"accepted ({_fault})");
        if (!accepted)
        {
            FuzzFailure.Unless(_fault.Length > 0 && _parsed.Path.IsEmpty);
            return;
        }
        var grant = "";
        if (whole!.StartsWith("/~", StringComparison.Ordinal))
            (grant, whole) = (whole[1..whole.IndexOf('/', 1)], whole[whole.IndexOf('/', 1)..]);
        var path = _parsed.Path.ToString();
        FuzzFailure.Equal(whole, path, "path");
        FuzzFailure.Equal(grant, _parsed.Grant.ToString(), "grant");
        FuzzFailure.Equal(input.Contains('?') ? input[(input.IndexOf('?') + 1)..] : "", _parsed.Query.ToString(), "query");
        FuzzFailure.Equal(input, _parsed.Raw, "raw");
        // Opened below a root it stays there, and is the only name of what it names.
        FuzzFailure.Equal(Root + path, Path.GetFullPath(Root + path), "opened");
        FuzzFailure.Equal(Root + path, Path.GetFullPath(path[1..], Root + "/"), "opened from the root");
        // Printed, it reads as itself.
        var printed = (grant.Length > 0 ? "/" + Uri.EscapeDataString(grant) : "") + string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
        FuzzFailure.Unless(RequestTarget.TryParse(printed, out var again, out var fault), "printed, it is refused: " + fault);
        FuzzFailure.Equal(path, again.Path.ToString(), "printed and read");
        FuzzFailure.Equal(grant, again.Grant.ToString(), "grant, printed and read");
    }

    /// <summary>The decoded path with its grant, or null.</summary>
    internal static string? Reading(string target)
    {
        var raw = target.Split('?')[0];
        if (!Written().IsMatch(raw) || Forbidden().IsMatch(raw))
            return null;
        var bytes = Fuzzer.Bytes(Escape().Replace(raw, static m => ((char)Convert.ToByte(m.Groups[1].Value, 16)).ToString()));
        string path;
        try
        {
            path = new UTF8Encoding(false, true).GetString(bytes);
        }
        catch (ArgumentException)
        {
            return null;
        }
        return Twice().IsMatch(path) || !Normal().IsMatch(path) || path.Any(char.IsControl) || (path.StartsWith("/~", StringComparison.Ordinal) && path.IndexOf('/', 1) < 0)
            ? null
            : path;
    }

    [GeneratedRegex(@"\A/(?:[!""$&-\[\]-~]|%[0-9A-Fa-f]{2})*\z")]
    private static partial Regex Written();

    [GeneratedRegex("%(?:2f|5c|7f|[01][0-9a-f])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Forbidden();

    [GeneratedRegex("%(..)")]
    private static partial Regex Escape();

    /// <summary>What a second decoder would take for . / \ % or NUL.</summary>
    [GeneratedRegex("%(?:2e|2f|5c|25|00)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Twice();

    /// <summary>Segments that are neither empty, but for the last, nor dots.</summary>
    [GeneratedRegex(@"\A(?:/(?!\.{1,2}(?:/|\z))[^/]+)*(?:/(?!\.{1,2}\z)[^/]*)\z", RegexOptions.Singleline)]
    private static partial Regex Normal();
}
