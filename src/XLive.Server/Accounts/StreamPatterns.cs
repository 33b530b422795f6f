using System.IO.Enumeration;

namespace XLive.Server.Accounts;

/// <summary>
/// Which streams a permission is for: "wida/*", "live/cam-*", "**" for all. A stream is app/name, so a pattern has those two parts, and
/// "*" is any run within one of them.
/// </summary>
public sealed class StreamPatterns
{
    public const int Most = 64;
    private const int LongestPart = 128; // as long as the name of a stream or an app
    private const string Everything = "**";

    public static readonly StreamPatterns All = new([Everything]);

    public static readonly StreamPatterns None = new([]);

    private readonly (string App, string Stream)[] _patterns;
    private readonly string[] _texts;
    private readonly bool _all;

    private StreamPatterns(string[] texts)
    {
        _texts = texts;
        _all = texts.Contains(Everything);
        _patterns = [.. texts.Where(static t => t != Everything).Select(static t => (t[..t.IndexOf('/')], t[(t.IndexOf('/') + 1)..]))];
    }

    public IReadOnlyList<string> Texts => _texts;

    public bool Cover(string app, string stream)
    {
        if (_all)
        {
            return true;
        }
        foreach ((string ofApp, string ofStream) in _patterns)
        {
            if (FileSystemName.MatchesSimpleExpression(ofApp, app, ignoreCase: false) && FileSystemName.MatchesSimpleExpression(ofStream, stream, ignoreCase: false))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>What is wrong with them, or null.</summary>
    public static string? Fault(IReadOnlyList<string> texts)
    {
        if (texts.Count > Most)
        {
            return $"has more than {Most} patterns";
        }
        return texts.All(IsPattern) ? null : "has what is no pattern: APP/STREAM with * for any run in either, or ** for all streams";
    }

    /// <summary>None when any of them is wrong: half of what was meant might be the half that closes nothing.</summary>
    public static StreamPatterns Of(IReadOnlyList<string> texts) =>
        Fault(texts) is not null || texts.Count == 0 ? None : texts is [Everything] ? All : new([.. texts]);

    /// <summary>As the database has them, with a space between.</summary>
    public static StreamPatterns Parse(string text) =>
        text == Everything ? All : Of(text.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    public override string ToString() => string.Join(' ', _texts);

    private static bool IsPattern(string text) =>
        text == Everything || (text.Split('/') is [var app, var stream] && IsPart(app) && IsPart(stream));

    private static bool IsPart(string part) => part.Length is > 0 and <= LongestPart
        && part.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '~' or '-' or '*');
}
