using System.Globalization;
using System.Text.RegularExpressions;

namespace XLive.Media.Tests.Hls;

/// <summary>
/// The same questions answered slowly: regular expressions over strings (one char a byte) and RFC 3986's algorithms as they are
/// printed, with nothing shared with what is tested.
/// </summary>
internal static partial class PlaylistOracle
{
    public readonly record struct Found(int Start, string Raw, string Expanded, string Tag, bool None);

    public static List<Found> References(string text)
    {
        var found = new List<Found>();
        var variables = new Dictionary<string, string>();
        foreach (Match line in Lines().Matches(text))
        {
            int skip = line.Index == 0 && line.Value.StartsWith("\u00ef\u00bb\u00bf", StringComparison.Ordinal) ? 3 : 0;
            string s = line.Value[skip..];
            int at = line.Index + skip;
            var tag = Tags().Match(s);
            if (!s.StartsWith('#'))
            {
                Add(at, s, "", true, false);
            }
            else if (tag.Success && tag.Groups[1].Value.TrimEnd(' ', '\t') == "PREFETCH")
            {
                Add(at + tag.Groups[2].Index, tag.Groups[2].Value, "", true, false);
            }
            else if (tag.Success)
            {
                string name = tag.Groups[1].Value.TrimEnd(' ', '\t');
                var attributes = Attributes().Matches(tag.Groups[2].Value).Where(m => m.Groups["value"].Success).ToList();
                if (name == "DEFINE")
                {
                    string? key = attributes.LastOrDefault(m => Name(m) == "NAME" && m.Groups["q"].Success)?.Groups["value"].Value;
                    string? value = attributes.LastOrDefault(m => Name(m) == "VALUE" && m.Groups["q"].Success)?.Groups["value"].Value;
                    if (key is not null && value is not null && VariableName().IsMatch(key))
                    {
                        value = Expand(value, variables);
                        if (!value.Contains('{') && value.Trim(' ', '\t') == value)
                            variables.TryAdd(key, value);
                    }
                    continue;
                }
                bool none = attributes.FirstOrDefault(m => Name(m) == "METHOD")?.Groups["value"].Value == "NONE";
                foreach (var m in attributes.Where(m => Name(m) is "URI" or "SERVER-URI" or "X-ASSET-URI" or "X-ASSET-LIST"))
                    Add(at + tag.Groups[2].Index + m.Groups["value"].Index, m.Groups["value"].Value, Name(m) == "URI" ? name : "", m.Groups["q"].Success, none);
            }
        }
        return found;

        void Add(int at, string raw, string tag, bool substitute, bool none)
        {
            string s = raw.TrimStart(' ', '\t');
            at += raw.Length - s.Length;
            s = s.TrimEnd(' ', '\t');
            if (s.Length > 0 && (s[0] != '#' || text[at - 1] == '"'))
                found.Add(new Found(at, s, substitute ? Expand(s, variables) : s, tag, none));
        }

        static string Name(Match m) => m.Groups["name"].Value.Trim(' ', '\t');
    }

    public static (bool Multivariant, bool EndList, int TargetDuration) Facts(string text)
    {
        var lines = Lines().Matches(text).Select(m => m.Value).ToList();
        var tags = lines.Select(s => Tags().Match(s)).Where(m => m.Success).Select(m => (Name: m.Groups[1].Value.TrimEnd(' ', '\t'), Value: m.Groups[2].Value)).ToList();
        var durations = tags.Where(t => t.Name == "TARGETDURATION").ToList();
        bool media = durations.Count > 0 || lines.Any(s => s.StartsWith("#EXTINF:", StringComparison.Ordinal));
        bool multivariant = tags.Any(t => t.Name is "STREAM-INF" or "I-FRAME-STREAM-INF" or "IMAGE-STREAM-INF" or "MEDIA" or "SESSION-KEY" or "SESSION-DATA" or "CONTENT-STEERING");
        string number = durations.Count > 0 ? Number().Match(durations[^1].Value).Groups[1].Value : "";
        double seconds = number.Length > 0 ? Math.Ceiling(double.Parse(number, CultureInfo.InvariantCulture)) : 0;
        return (multivariant && !media, tags.Any(t => t.Name == "ENDLIST"), seconds <= 86_400 ? (int)seconds : 0);
    }

    /// <summary>The text with its URIs taken out.</summary>
    public static string Skeleton(string text) => Skeleton(text, References(text));

    public static string Skeleton(string text, List<Found> found)
    {
        for (int i = found.Count - 1; i >= 0; i--)
            text = text[..found[i].Start] + "\u2400" + text[(found[i].Start + found[i].Raw.Length)..];
        return text;
    }

    public static List<string> Targets(string text, string path) =>
        [.. References(text).Select(f => Target(f.Expanded, path, [])).OfType<string>()];

    /// <summary>Absolute path and what follows it, or null if the reference leads elsewhere.</summary>
    public static string? Target(string reference, string path, string[] ownAuthorities) => Target(reference, path, ownAuthorities, out _);

    public static string? Target(string reference, string path, string[] ownAuthorities, out bool climbed)
    {
        climbed = false;
        var m = Uri3986().Match(reference);
        string scheme = m.Groups["scheme"].Value.ToLowerInvariant(), target = m.Groups["path"].Value;
        if (m.Groups["scheme"].Success && (scheme is not ("http" or "https") || !m.Groups["authority"].Success))
            return null;
        if (m.Groups["authority"].Success)
        {
            string authority = scheme + "//" + m.Groups["authority"].Value.ToLowerInvariant();
            if (!ownAuthorities.Contains(authority))
                return null;
        }
        else if (target == "")
        {
            target = path;
        }
        else if (!target.StartsWith('/'))
        {
            target = path[..(path.LastIndexOf('/') + 1)] + target;
        }
        if (target == "")
            target = "/";
        target = RemoveDotSegments(target, out climbed);
        return target.StartsWith("/~", StringComparison.Ordinal) && !target.StartsWith("/~s1", StringComparison.Ordinal) ? null : target + m.Groups["tail"].Value;
    }

    private static string RemoveDotSegments(string path, out bool climbed)
    {
        climbed = false;
        var output = new List<string>();
        string[] segments = path.Split('/')[1..];
        for (int i = 0; i < segments.Length; i++)
        {
            string plain = segments[i].Replace("%2e", ".", StringComparison.OrdinalIgnoreCase);
            bool last = i == segments.Length - 1;
            if (plain == "..")
            {
                climbed |= output.Count == 0;
                if (output.Count > 0)
                    output.RemoveAt(output.Count - 1);
            }
            else if (plain != ".")
            {
                output.Add(segments[i]);
                continue;
            }
            if (last)
                output.Add("");
        }
        return "/" + string.Join('/', output);
    }

    private static string Expand(string text, Dictionary<string, string> variables) =>
        Variable().Replace(text, m => variables.GetValueOrDefault(m.Groups[1].Value, m.Value));

    [GeneratedRegex(@"[^\r\n]+")]
    private static partial Regex Lines();

    [GeneratedRegex(@"\A#EXT-X-([^:]*)(?::(.*))?\z", RegexOptions.Singleline)]
    private static partial Regex Tags();

    [GeneratedRegex(@"\G(?:(?<name>[^=,]*)=(?:(?<q>"")(?<value>[^""]*)""[^,]*|(?!"")(?<value>[^,]*))|[^=,]*)(?:,|\z)", RegexOptions.Singleline)]
    private static partial Regex Attributes();

    [GeneratedRegex(@"\A[ \t]*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)")]
    private static partial Regex Number();

    [GeneratedRegex(@"\{\$([A-Za-z0-9_-]{1,256})\}")]
    private static partial Regex Variable();

    [GeneratedRegex(@"\A[A-Za-z0-9_-]{1,256}\z")]
    private static partial Regex VariableName();

    // Appendix B, with 3.1's idea of a scheme.
    [GeneratedRegex(@"\A(?:(?<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?(?://(?<authority>[^/?#]*))?(?<path>[^?#]*)(?<tail>.*)\z", RegexOptions.Singleline)]
    private static partial Regex Uri3986();
}
