using System.Text.RegularExpressions;

namespace XLive.Server.Tests.Docs;

/// <summary>A page of the documentation as its reader sees it: blocks of code, and what stands between backticks.</summary>
public sealed partial class DocPage
{
    /// <param name="Line">Of the page, where its first line stands.</param>
    /// <param name="Language">As its fence has it; "" for none, and for what is indented.</param>
    public sealed record Block(int Line, string Language, IReadOnlyList<string> Lines)
    {
        public string Text => string.Concat(Lines.Select(static line => line + "\n"));

        /// <summary>Lines that a person would type, those that end in \ with their next ones.</summary>
        public IEnumerable<(int Line, string Text)> Commands
        {
            get
            {
                for (var i = 0; i < Lines.Count; i++)
                {
                    var (at, text) = (Line + i, Lines[i].Trim());
                    for (; text.EndsWith('\\') && i + 1 < Lines.Count; i++)
                        text = text[..^1] + Lines[i + 1].Trim();
                    if (Program().IsMatch(text))
                        yield return (at, text);
                }
            }
        }

        /// <summary>Why it is not run as it stands, or where it is run in another form.</summary>
        public string? Mark => Lines.Select(static line => Tried().Match(line)).FirstOrDefault(static m => m.Success)?.Value;
    }

    private readonly List<Block> _blocks = [];
    private readonly List<(int Line, string Text)> _spans = [];
    private readonly List<(int Line, string Text)> _prose = [];

    private DocPage(string name, string text)
    {
        Name = name;
        Read(text.Split('\n'));
    }

    /// <summary>docs/live.md.</summary>
    public string Name { get; }

    public IReadOnlyList<Block> Blocks => _blocks;

    /// <summary>What stands between backticks outside of blocks.</summary>
    public IReadOnlyList<(int Line, string Text)> Spans => _spans;

    /// <summary>Paragraphs and rows of tables.</summary>
    public IReadOnlyList<(int Line, string Text)> Prose => _prose;

    public static DocPage Of(string name, string text) => new(name, text);

    /// <param name="root">Of the repository.</param>
    public static IReadOnlyList<DocPage> All(string root) =>
    [
        .. Directory.EnumerateFiles(Path.Combine(root, "docs"), "*.md").Order(StringComparer.Ordinal).Prepend(Path.Combine(root, "ARCHITECTURE.md")).Prepend(Path.Combine(root, "README.md"))
            .Select(path => new DocPage(Path.GetRelativePath(root, path), File.ReadAllText(path))),
    ];

    private void Read(string[] lines)
    {
        for (var i = 0; i < lines.Length;)
        {
            var line = lines[i];
            if (line.Length == 0)
            {
                i++;
                continue;
            }
            var begin = i;
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                var end = Array.FindIndex(lines, i + 1, static l => l == "```");
                if (end < 0)
                    throw new FormatException($"{Name}:{i + 1}: a block that does not end");
                _blocks.Add(new(begin + 2, line[3..], lines[(begin + 1)..end]));
                i = end + 1;
            }
            else if (IsIndented(line) && (i == 0 || lines[i - 1].Length == 0))
            {
                while (i < lines.Length && (IsIndented(lines[i]) || lines[i].Length == 0 && i + 1 < lines.Length && IsIndented(lines[i + 1])))
                    i++;
                var depth = lines[begin..i].Where(static l => l.Length > 0).Min(static l => l.Length - l.TrimStart().Length);
                _blocks.Add(new(begin + 1, "", [.. lines[begin..i].Select(l => l.Length > 0 ? l[depth..] : l)]));
            }
            else
            {
                // A row of a table is one by itself, all else goes on to the next empty line.
                var isRow = line.StartsWith('|');
                for (i++; !isRow && i < lines.Length && lines[i].Length > 0 && !lines[i].StartsWith("```", StringComparison.Ordinal) && !lines[i].StartsWith('|');)
                    i++;
                var text = string.Join(' ', lines[begin..i]);
                _prose.Add((begin + 1, text));
                _spans.AddRange(Span().Matches(text).Select(m => (begin + 1, m.Groups[1].Value)));
            }
        }
    }

    private static bool IsIndented(string line) => line.StartsWith("    ", StringComparison.Ordinal);

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Span();

    // Whatever stands before: variables, another user, the name that is given the output.
    [GeneratedRegex(@"^(?:[A-Za-z_]+=\$\(|(?:[A-Z_]+=\S+\s+)*(?:sudo\s+(?:-u\s+\w+\s+)?)?)(?:\./(?:run|test|bench|package)|xlive|curl|ff(?:mpeg|play|probe)|openssl|certbot|lego|psql|pg_\w+|createdb|python3|php|node|dotnet|redis-cli|modprobe|echo|apt|apt-get|tar|systemctl|docker|ssh|rsync)(?:\s|$)")]
    private static partial Regex Program();

    [GeneratedRegex(@"# (?:not tried: .+|tried by tests/\S+\.cs.*)$")]
    private static partial Regex Tried();
}
