using System.Text;
using XLive.Server.Settings;

namespace XLive.Server.Tests.Settings;

public sealed class FileTests : IDisposable
{
    private readonly SettingsFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Without_any_file_the_defaults_hold()
    {
        var settings = _folder.Load();
        Assert.Null(settings.File);
        Assert.Empty(settings.Warnings);
        Assert.Equal("plain", settings.Of<ProbeOptions>().Text);
        Assert.All(settings.Describe(), d => Assert.Equal((d.Default, "default", null), (d.Value, d.Source, d.Pending)));
    }

    [Fact]
    public void The_first_file_of_the_search_order_is_read_and_no_other()
    {
        string Found(params string[] args) => _folder.Of<OtherOptions>(args).Name;

        _folder.Write("etc/xlive/conf.yaml", "other: {name: etc}");
        Assert.Equal("etc", Found());
        _folder.Write("config/conf.yaml", "other: {name: config}");
        Assert.Equal("config", Found());
        _folder.Write("conf.yaml", "other: {name: here}");
        Assert.Equal("here", Found());
        _folder.Environment["XLIVE_CONFIG"] = _folder.Write("v.yaml", "other: {name: variable}");
        Assert.Equal("variable", Found());
        _folder.Write("sub/o.yaml", "other: {name: option}");
        Assert.Equal("option", Found("--config", "sub/o.yaml"));
        Assert.Equal(Path.Combine(_folder.Path, "sub/o.yaml"), _folder.Load("--config=sub/o.yaml").File);
    }

    [Fact]
    public void A_named_file_must_exist()
    {
        _folder.Write("conf.yaml", "");
        Assert.Equal("command line: --config: the file \"gone.yaml\" does not exist", Assert.Single(_folder.Faults("--config=gone.yaml")));
        Assert.Contains("is a directory", Assert.Single(_folder.Faults("--config", _folder.Path)), StringComparison.Ordinal);
        Assert.Contains("needs a value", Assert.Single(_folder.Faults("--config")), StringComparison.Ordinal);
        _folder.Environment["XLIVE_CONFIG"] = "gone.yaml";
        Assert.Equal("environment XLIVE_CONFIG: the file \"gone.yaml\" does not exist", Assert.Single(_folder.Faults()));
        Assert.Empty(_folder.Faults("--config", "conf.yaml"));
    }

    [Theory]
    [InlineData("probe:\n  cuont: 3\n", "conf.yaml:2: probe.cuont: unknown key, nearest is probe.count")]
    [InlineData("prob:\n  count: 3\n", "conf.yaml:1: prob: unknown key, nearest is")]
    [InlineData("deep:\n  er: 3\n", "conf.yaml:1: deep: unknown key")]
    [InlineData("value: 3\n", "conf.yaml:1: value: unknown key, nearest is probe.deep.er.value")]
    [InlineData("probe.count: 3\n", "conf.yaml:1: probe.count: a dotted name; write \"probe:\" and the rest indented below it")]
    [InlineData("probe:\n  deep.er:\n    value: 3\n", "conf.yaml:2: probe.deep.er: a dotted name")]
    [InlineData("probe:\n  count: 3\n  flag: on\n  count: 4\n", "conf.yaml:4: probe.count: given twice, first on line 2")]
    [InlineData("probe: {count: 3}\nprobe: {flag: on}\n", "conf.yaml:2: probe: given twice, first on line 1")]
    [InlineData("probe: 3\n", "conf.yaml:1: probe: a single value where a map of keys is expected")]
    [InlineData("- a\n", "conf.yaml:1: the file must be a map of sections")]
    [InlineData("hello\n", "conf.yaml:1: the file must be a map of sections")]
    [InlineData("probe:\n\tcount: 3\n", "conf.yaml:2: a tab indents this line; YAML wants spaces")]
    [InlineData("probe:\n  flag: on\n  \tcount: 3\n", "conf.yaml:3: a tab indents this line; YAML wants spaces")]
    [InlineData("probe:\n  text: \"open\n", "not YAML")]
    [InlineData("probe: {count: 3\n", "not YAML")]
    [InlineData("probe:\n  text: \"\\UFFFFFFFF\"\n", "conf.yaml")]
    [InlineData("probe: {count: 3}\n---\nprobe: {flag: on}\n", "a second document")]
    [InlineData("probe:\n  text: *nobody\n", "conf.yaml:2: no finished anchor")]
    [InlineData("probe: &a\n  map: *a\n", "conf.yaml:2: no finished anchor")]
    [InlineData("probe:\n  text: a\0b\n", "conf.yaml:2: a NUL character")]
    [InlineData("<<: {probe: {count: 1}}\n", "conf.yaml:1: <<: unknown key")]
    public void What_is_wrong_is_named_with_its_line(string yaml, string fault) =>
        Assert.Contains(fault, Assert.Single(_folder.FaultsOf(yaml)), StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("\n\n# nothing\n")]
    [InlineData("---\n")]
    [InlineData("---\n...\n")]
    [InlineData("probe:\n")]
    [InlineData("probe: ~\nother: {}\n")]
    [InlineData("{}")]
    public void An_empty_file_or_section_is_fine(string yaml) => Assert.Empty(_folder.FaultsOf(yaml));

    [Fact]
    public void All_faults_come_at_once_and_hopeless_files_end_somewhere()
    {
        Assert.Equal(3, _folder.FaultsOf("probe:\n  count: x\n  flag: x\n  nothing: x\n").Length);
        var many = _folder.FaultsOf(string.Concat(Enumerable.Range(0, 5000).Select(i => $"key{i}: 1\n")));
        Assert.InRange(many.Length, 50, 51);
    }

    [Fact]
    public void A_byte_order_mark_and_carriage_returns_do_not_matter()
    {
        File.WriteAllText(Path.Combine(_folder.Path, "conf.yaml"), "probe:\r\n  count: 9\r\n  text: \"a\"\r\n", new UTF8Encoding(true));
        Assert.Equal((9, "a"), (_folder.Of<ProbeOptions>().Count, _folder.Of<ProbeOptions>().Text));
        Assert.StartsWith("conf.yaml:3:", Assert.Single(_folder.FaultsOf("probe:\r\n  count: 9\r\n  flag: x\r\n")), StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_are_no_text_are_refused()
    {
        File.WriteAllText(Path.Combine(_folder.Path, "conf.yaml"), "probe: {count: 3}", Encoding.Unicode);
        Assert.Equal("conf.yaml: is not UTF-8 text", Assert.Single(_folder.Faults()));
        File.WriteAllBytes(Path.Combine(_folder.Path, "conf.yaml"), Enumerable.Repeat((byte)'#', (1 << 20) + 1).ToArray());
        Assert.Equal("conf.yaml: is larger than 1MiB", Assert.Single(_folder.Faults()));
        Assert.Contains("larger", Assert.Single(_folder.Faults("--config=/dev/zero")), StringComparison.Ordinal);
    }

    [Fact]
    public void Aliases_work_and_bombs_do_not()
    {
        _folder.Write("conf.yaml", "probe:\n  list: &l [x, y]\n  array: *l\n");
        Assert.Equal(["x", "y"], _folder.Of<ProbeOptions>().Array);
        var bomb = new StringBuilder("probe:\n  list: &a0 [x]\n");
        for (var i = 1; i < 30; i++)
        {
            bomb.Append($"  k{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n");
        }

        Assert.Contains("more than 100000 values", Assert.Single(_folder.FaultsOf(bomb.ToString())), StringComparison.Ordinal);
        Assert.Contains("nested deeper", Assert.Single(_folder.FaultsOf("probe: " + new string('[', 100_000))), StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_are_one_short_line_whatever_the_file_says()
    {
        var fault = Assert.Single(_folder.FaultsOf("probe:\n  count: \"" + new string('x', 5000) + "\\nnext\"\n"));
        Assert.True(fault.Length < 200, fault);
        Assert.DoesNotContain('\u001b', Assert.Single(_folder.FaultsOf("probe:\n  count: \"\\e[31m\"\n")));
    }
}
