using System.Text.RegularExpressions;
using XLive.Server.Door;
using XLive.Server.Settings;

namespace XLive.Server.Tests.Docs;

/// <summary>What a page may be wrong about. Each check gives a line for each fault: page, line, and what is not so.</summary>
internal sealed partial class DocChecks(ProgramFacts facts, string root)
{
    // access.log and its like begin as a setting does.
    private static readonly string[] FileEndings = ["log", "db", "md", "yaml", "js", "m3u8", "flv", "ts", "mp4"];

    private static readonly string[] Languages = ["", "sh", "yaml", "html", "nginx", "csharp", "python", "php", "js"];

    // Of the tests, no settings.
    private static readonly string[] OtherVariables = ["XLIVE_CONFIG", "XLIVE_WRITE_REFERENCE", "XLIVE_FUZZ_SEED"];

    /// <summary>A command is run by the tests, in a block of sh, or says beside it that it is not, or which test has it in another form.</summary>
    public IEnumerable<string> Marks(DocPage page)
    {
        foreach (var block in page.Blocks)
        {
            if (!Languages.Contains(block.Language))
                yield return $"{page.Name}:{block.Line}: '{block.Language}' is no language of the pages: {string.Join(' ', Languages)}";
            if (block.Mark is { } mark && TriedBy().Match(mark) is { Success: true } tried && !File.Exists(Path.Combine(root, tried.Groups[1].Value)))
                yield return $"{page.Name}:{block.Line}: there is no {tried.Groups[1].Value}";
            if (block.Language == "sh" && block.Mark is not null)
                yield return $"{page.Name}:{block.Line}: a block of sh is run, and says that it is not";
            if (block.Language.Length > 0 || block.Mark is not null)
                continue;
            foreach (var (line, text) in block.Commands)
                yield return $"{page.Name}:{line}: neither run (sh) nor marked as not tried: {text}";
        }
    }

    /// <summary>Settings named in words are settings, or members of /stats.</summary>
    public IEnumerable<string> Names(DocPage page)
    {
        foreach (var (line, text) in page.Spans)
        {
            if (Dotted().Match(text) is not { Success: true } dotted)
                continue;
            var name = dotted.Groups[1].Value;
            var first = name[..name.IndexOf('.', StringComparison.Ordinal)];
            if (!facts.Keys.IsSection(first) && !facts.Stats.Contains(first) || name.Split('.').Skip(1).Any(static part => FileEndings.Contains(part)))
                continue;
            if (facts.Keys.Find(name, out _) is null && !facts.Keys.IsSection(name) && !facts.Stats.Contains(name))
                yield return $"{page.Name}:{line}: '{name}' is no setting, nor a member of /stats";
        }
        foreach (var (line, text) in page.Prose.Concat(page.Blocks.SelectMany(static b => b.Lines.Select((l, i) => (b.Line + i, l)))))
        {
            foreach (var name in Variable().Matches(text).Select(static m => m.Value))
            {
                if (facts.Keys.FindVariable(name, out _) is null && !OtherVariables.Contains(name))
                    yield return $"{page.Name}:{line}: there is no variable {name}";
            }
        }
    }

    /// <summary>Blocks of settings are a file that a start would take.</summary>
    public IEnumerable<string> Yaml(DocPage page)
    {
        foreach (var block in page.Blocks)
        {
            var first = block.Lines.FirstOrDefault(static l => l.Length > 0) ?? "";
            // One of another program says so first: "# prometheus.yml".
            if (block.Language != "yaml" && !(block.Language == "" && YamlLine().IsMatch(first)) || OtherFile().IsMatch(first))
                continue;
            var folder = Directory.CreateTempSubdirectory("xlive-docs-");
            try
            {
                File.WriteAllText(Path.Combine(folder.FullName, "conf.yaml"), NamedFile().Replace(block.Text, m => WithFile(folder.FullName, m)));
                ServerSettings.Load(new SettingsInput { WorkingDirectory = folder.FullName, SystemFile = folder.FullName + "/none" });
                continue;
            }
            catch (SettingsException e)
            {
                first = string.Join("; ", e.Faults);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
            yield return $"{page.Name}:{block.Line}: {first}";
        }
    }

    // The file is the reader's; one that would do is made.
    private static string WithFile(string folder, Match named)
    {
        var (key, path) = (named.Groups[1].Value, Path.Combine(folder, Path.GetRandomFileName()));
        File.WriteAllText(path, key switch
        {
            "url_file" => "postgres://xlive:secret@db.example/xlive",
            "certificate" or "key" => ProgramFacts.SitePem,
            _ => "secret-of-thirty-two-characters-",
        });
        return $"{key}: {path}";
    }

    /// <summary>GET /stats and its like are routes, and so is each path of a reserved name.</summary>
    public IEnumerable<string> Routes(DocPage page)
    {
        foreach (var (line, text) in page.Prose.Concat(page.Blocks.Where(static b => b.Language != "nginx").SelectMany(static b => b.Lines.Select((l, i) => (b.Line + i, l)))))
        {
            // Requests that the server makes itself are shown with their version.
            if (text.Contains(" HTTP/1.", StringComparison.Ordinal))
                continue;
            foreach (Match request in Request().Matches(text))
            {
                var (method, path) = (request.Groups[1].Value, Bare(request.Groups[2].Value));
                if (path.StartsWith("/~", StringComparison.Ordinal) || !FrontDoor.IsReserved(path) && method is "GET" or "HEAD")
                    continue;
                if (!facts.Routes.Any(r => r.Method == method && IsSame(r.Path, path)))
                    yield return $"{page.Name}:{line}: there is no {method} {path}";
            }
        }
        foreach (var (line, text) in page.Spans.Where(static s => s.Text.StartsWith('/')))
        {
            var path = Bare(text.Split(' ')[0]);
            if (path.Length < 2 || path.StartsWith("/~", StringComparison.Ordinal) || path.StartsWith("/.well-known", StringComparison.Ordinal) || path.Contains("...", StringComparison.Ordinal)
                || !FrontDoor.IsReserved(path))
                continue;
            if (!facts.Routes.Any(r => IsSame(r.Path, path) || r.Path.StartsWith(path + "/", StringComparison.Ordinal)))
                yield return $"{page.Name}:{line}: there is no {path}";
        }
    }

    private static string Bare(string target) => target.Split('?', '#')[0].TrimEnd('.', ',', ';', ':');

    private static bool IsSame(string route, string path)
    {
        var (of, its) = (route.Split('/'), path.Split('/'));
        return of.Length == its.Length && of.Zip(its).All(static pair => pair.First == pair.Second || pair.First.StartsWith('{') && pair.Second.Length > 0);
    }

    /// <summary>Figures named are figures; xlive_cache_* and xlive_origin_... name all that begin so.</summary>
    public IEnumerable<string> Metrics(DocPage page)
    {
        foreach (var (line, text) in page.Prose)
        {
            foreach (var name in Metric().Matches(text).Select(static m => m.Value))
            {
                if (!facts.Metrics.Contains(name) && !(name.EndsWith('_') && facts.Metrics.Any(m => m.StartsWith(name, StringComparison.Ordinal))))
                    yield return $"{page.Name}:{line}: there is no figure {name}";
            }
        }
    }

    /// <summary>"Check `media`" names a check.</summary>
    public IEnumerable<string> Checks(DocPage page) =>
        from prose in page.Prose
        from name in Check().Matches(prose.Text).Select(static m => m.Groups[1].Value)
        where !facts.Checks.Contains(name)
        select $"{page.Name}:{prose.Line}: there is no check {name}";

    /// <summary>What the program is quoted with stands in it: words between backticks, four and more, with ... or N where it has something of its own.</summary>
    public IEnumerable<string> Quotes(DocPage page)
    {
        foreach (var (line, text) in page.Spans)
        {
            if (text.Count(static c => c == ' ') < 3 || Typed().IsMatch(text))
                continue;
            var piece = Own().Split(text[(Key().Match(text) is { Success: true } key ? key.Length : 0)..]).MaxBy(static p => p.Length)!.Trim();
            if (!facts.Texts.Any(t => t.Contains(piece, StringComparison.Ordinal)))
                yield return $"{page.Name}:{line}: the program does not say '{piece}'";
        }
    }

    [GeneratedRegex(@"# tried by (tests/\S+\.cs)")]
    private static partial Regex TriedBy();

    [GeneratedRegex(@"^(?:--)?([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+)(?:[=:].*)?$")]
    private static partial Regex Dotted();

    [GeneratedRegex(@"\bXLIVE_[A-Z_]*[A-Z]\b")]
    private static partial Regex Variable();

    [GeneratedRegex(@"^[a-z_.]+:(?:\s|$)")]
    private static partial Regex YamlLine();

    [GeneratedRegex(@"^# \S+\.ya?ml$")]
    private static partial Regex OtherFile();

    [GeneratedRegex(@"\b(\w+_file|certificate|key): (/[\w./-]+)")]
    private static partial Regex NamedFile();

    [GeneratedRegex(@"\b(GET|HEAD|POST|PUT|PATCH|DELETE)\s+(/[^\s`""'|)\]<>]*)")]
    private static partial Regex Request();

    [GeneratedRegex(@"(?<![\w$])xlive_[a-z_]+")]
    private static partial Regex Metric();

    [GeneratedRegex(@"\b(?:[Cc]heck|entry) `([a-z_]+)`")]
    private static partial Regex Check();

    // Commands, requests, settings, blocks of other languages.
    [GeneratedRegex(@"^(?:\./|GET|POST|PUT|DELETE|<|\{|[a-z]+ -)|\$|\w+=")]
    private static partial Regex Typed();

    [GeneratedRegex(@"^[a-z_]+\.[a-z_]+: ")]
    private static partial Regex Key();

    [GeneratedRegex(@"\.\.\.|\b(?:N|URL|ID|\d+)\b|'[a-z]+'")]
    private static partial Regex Own();
}
