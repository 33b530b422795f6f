using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using XLive.Server.Access;
using XLive.Server.Tests.Gate;

namespace XLive.Server.Tests.Docs;

/// <summary>
/// README.md, ARCHITECTURE.md and docs/ beside the program: every setting, route, figure, check and command that they name is there. What stands in blocks of sh is
/// run by XLive.EndToEnd; the tables of settings, figures and events are compared where those are tested.
/// </summary>
[Collection(ProgramTests.Name)]
public sealed partial class DocsTests(ProgramFacts facts) : IClassFixture<ProgramFacts>
{
    private static readonly string Root = Path.GetFullPath("../../..", Path.GetDirectoryName(Here())!);
    private static readonly IReadOnlyList<DocPage> Pages = DocPage.All(Root);

    private DocChecks Its => new(facts, Root);

    [Fact]
    public void Commands_are_run_or_marked() => NoFaults(Pages.SelectMany(Its.Marks));

    [Fact]
    public void Settings_and_members_of_stats_are_there() => NoFaults(Pages.SelectMany(Its.Names));

    [Fact]
    public void Settings_in_blocks_are_a_file_that_a_start_takes()
    {
        NoFaults(Pages.SelectMany(Its.Yaml));
        Assert.InRange(Pages.Sum(static p => p.Blocks.Count(static b => b.Text.Contains(":\n  ", StringComparison.Ordinal))), 20, 1000);
    }

    [Fact]
    public void Routes_are_there() => NoFaults(Pages.SelectMany(Its.Routes));

    [Fact]
    public void Figures_are_there() => NoFaults(Pages.SelectMany(Its.Metrics));

    [Fact]
    public void Checks_are_there_and_their_table_has_all()
    {
        NoFaults(Pages.SelectMany(Its.Checks));
        var table = Page("docs/operating.md").Prose.Select(static p => p.Text).SkipWhile(static row => row != "| check | healthy | else | then |").Skip(2).TakeWhile(static row => row.StartsWith('|'));
        Assert.Equal(facts.Checks.Order(StringComparer.Ordinal), table.Select(static row => row.Split('`')[1]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_the_program_is_quoted_with_it_says()
    {
        var page = Page("docs/troubleshooting.md");
        NoFaults(Its.Quotes(page));
        var words = page.Spans.Select(static s => s.Text).ToHashSet(StringComparer.Ordinal);
        foreach (var reason in Enum.GetValues<GrantReason>().Where(static r => r != GrantReason.Granted))
        {
            Assert.Contains(reason.Word, words);
            Assert.Contains($"`{reason.Word}`", File.ReadAllText(Path.Combine(Root, "docs/signing.md")), StringComparison.Ordinal);
            Assert.Contains($"`{reason.Word}`", File.ReadAllText(Path.Combine(Root, "docs/access.md")), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_page_is_in_the_index()
    {
        var index = File.ReadAllText(Path.Combine(Root, "docs/README.md"));
        NoFaults(Pages.Select(static p => p.Name).Where(name => name.StartsWith("docs/", StringComparison.Ordinal) && name != "docs/README.md"
            && !index.Contains($"]({Path.GetFileName(name)})", StringComparison.Ordinal)).Select(static name => name + " is not in docs/README.md"));
        Assert.Contains("(docs/README.md)", File.ReadAllText(Path.Combine(Root, "README.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_bench_is_there() =>
        NoFaults(from page in Pages
                 from text in page.Spans.Select(static s => s.Text).Concat(page.Blocks.SelectMany(static b => b.Lines))
                 from name in Bench().Matches(text).Select(static m => m.Groups[1].Value)
                 where !File.Exists(Path.Combine(Root, "benchmarks", name, "run"))
                 select $"{page.Name}: there is no ./bench {name}");

    /// <summary>Each ./run line is given to the program as it stands, with something in the place of PATH and its like. What it cannot do here it says by 1; 2 is a mistake in what was typed.</summary>
    [Fact]
    public async Task Commands_are_those_of_the_program()
    {
        var typed = Typed(Pages).ToList();
        Assert.InRange(typed.Count, 20, 200);
        using var folder = new ProgramFolder();
        var faults = new List<string>();
        foreach (var (place, words) in typed)
        {
            if (await Fault(folder, words) is { } fault)
                faults.Add($"{place}: ./run {string.Join(' ', words)}: {fault}");
        }
        NoFaults(faults);
    }

    /// <summary>A page that is wrong in one thing is found wrong, by its line.</summary>
    [Theory]
    [InlineData("`backend.filesystem.rot`", "p.md:1: 'backend.filesystem.rot' is no setting, nor a member of /stats")]
    [InlineData("`live.fuller` of `/stats`", "p.md:1: 'live.fuller' is no setting, nor a member of /stats")]
    [InlineData("`XLIVE_BACKEND_HOSTS`", "p.md:1: there is no variable XLIVE_BACKEND_HOSTS")]
    [InlineData("text\n\n    live:\n      segments: 4\n", "p.md:3: conf.yaml:2: live.segments")]
    [InlineData("```yaml\nlive:\n  window: many\n```", "p.md:2: conf.yaml:2: live.window")]
    [InlineData("`GET /statistics`, `GET /stats/all`", "p.md:1: there is no GET /stats/all")]
    [InlineData("    POST /stats\n", "p.md:1: there is no POST /stats")]
    [InlineData("`/health/alive`", "p.md:1: there is no /health/alive")]
    [InlineData("| `xlive_sessions` | `xlive_session` |", "p.md:1: there is no figure xlive_session")]
    [InlineData("`xlive_cash_*`", "p.md:1: there is no figure xlive_cash_")]
    [InlineData("check `clocks`", "p.md:1: there is no check clocks")]
    [InlineData("It says `There is no application by that name.`", "p.md:1: the program does not say 'There is no application by that name.'")]
    [InlineData("text\n\n    curl http://localhost:7889/health\n", "p.md:3: neither run (sh) nor marked as not tried: curl http://localhost:7889/health")]
    [InlineData("```\nsudo -u postgres psql\n```", "p.md:2: neither run (sh) nor marked as not tried: sudo -u postgres psql")]
    [InlineData("    # tried by tests/Nowhere.cs\n    ffmpeg -i x\n", "p.md:1: there is no tests/Nowhere.cs")]
    [InlineData("```sh\ncurl x # not tried: it is far\n```", "p.md:2: a block of sh is run, and says that it is not")]
    [InlineData("```bash\nls\n```", "p.md:2: 'bash' is no language of the pages")]
    public void A_broken_page_is_found(string text, string fault)
    {
        var page = DocPage.Of("p.md", text);
        var faults = new[] { Its.Marks(page), Its.Names(page), Its.Yaml(page), Its.Routes(page), Its.Metrics(page), Its.Checks(page), Its.Quotes(page) }.SelectMany(static f => f);
        Assert.StartsWith(fault, Assert.Single(faults), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("`./run signs /a.ts --uid u --for 2h`", "no command")]
    [InlineData("`./run sign PATH --user U --for 2h`", "--uid is missing")]
    [InlineData("`./run key make 2026`", "say list, new ID")]
    [InlineData("`./run --backend.modus=http`", "--backend.modus")]
    [InlineData("`./run streamkey make live/cam`", "say list, add APP/STREAM")]
    [InlineData("`./run hook`", "no command")]
    public async Task A_command_that_is_none_is_found(string text, string fault)
    {
        var (_, words) = Assert.Single(Typed([DocPage.Of("p.md", text)]));
        using var folder = new ProgramFolder();
        Assert.Contains(fault, await Fault(folder, words), StringComparison.Ordinal);
    }

    /// <returns>Null: it is right.</returns>
    private static async Task<string?> Fault(ProgramFolder folder, string[] words)
    {
        // A start would go on for ever: its settings are what there is to be wrong.
        string[] asked = words[0].StartsWith("--", StringComparison.Ordinal) && words[0] != "--help" ? ["config", "check", .. words] : words.Length == 1 ? [.. words, "--help"] : words;
        var said = await XliveProgram.RunWithAsync(folder.Path, "a long password\n", null, asked);
        return said.Code == 2 || asked[0] == "config" && said.Code != 0 ? said.Errors : null;
    }

    /// <summary>Each once. Those of sh are run elsewhere.</summary>
    private static IEnumerable<(string Place, string[] Words)> Typed(IReadOnlyList<DocPage> pages) =>
        (from page in pages
         from text in page.Spans.Select(static s => s.Text).Concat(page.Blocks.Where(static b => b.Language == "").SelectMany(static b => b.Lines))
         from run in Run().Matches(text).Select(static m => m.Groups[1].Value)
         let words = Words(run)
         where words.Length > 0 && words[0] != "COMMAND"
         select (page.Name, words)).DistinctBy(static c => string.Join(' ', c.words));

    // What is said of a command stands behind it, two spaces on; brackets are what may be left out.
    private static string[] Words(string typed) =>
    [
        .. Word().Matches(Optional().Replace(typed.Split("  ")[0], "")).Select(static m => m.Value.Replace("'", "", StringComparison.Ordinal).Replace("\"", "", StringComparison.Ordinal)).SelectMany(static word => word switch
        {
            "PATH" or "PATH..." => ["/a.ts"],
            // Said of sign, which needs them.
            "..." => ["/film/a.m3u8", "--uid", "u", "--for", "1h"],
            "APP/STREAM" => ["live/cam"],
            _ => (string[])[word],
        }),
    ];

    private static DocPage Page(string name) => Pages.Single(p => p.Name == name);

    private static void NoFaults(IEnumerable<string> faults)
    {
        var all = string.Join('\n', faults);
        Assert.True(all.Length == 0, all);
    }

    [GeneratedRegex(@"\./bench ([a-z]\w*)")]
    private static partial Regex Bench();

    [GeneratedRegex(@"\./run((?: [^)|]+)?)")]
    private static partial Regex Run();

    [GeneratedRegex(@"'[^']*'|""[^""]*""|\S+='[^']*'|[^\s'""]+")]
    private static partial Regex Word();

    [GeneratedRegex(@"\[[^\]]*\]")]
    private static partial Regex Optional();

    private static string Here([CallerFilePath] string path = "") => path;
}
