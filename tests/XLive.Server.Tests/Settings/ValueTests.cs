using XLive.Server.Settings;

namespace XLive.Server.Tests.Settings;

public sealed class ValueTests : IDisposable
{
    private readonly SettingsFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_type_reads_from_the_file()
    {
        _folder.Write("conf.yaml", """
            probe:
              text: 0123
              maybe: here
              flag: yes
              count: 7
              auto: 12
              size: 256 MiB
              whole: 9223372036854775807
              ratio: 1.25
              wait: 1.5h
              links: least_pending
              list: [x, "y, z"]
              array:
                - one
                - two
              map: {Host: example.com, "X-A": "1"}
              lists:
                bot: [/a/**, /b]
                other: []
              keys:
                - {id: "", secret: long enough, not_before: 2027-01-31, room: 1KiB, names: [n]}
                - id: b
                  secret: also long
                  not_after: 1900000000
              deep: {er: {value: 4}}
            """);
        var probe = _folder.Of<ProbeOptions>();
        Assert.Equal("0123", probe.Text);
        Assert.Equal("here", probe.Maybe);
        Assert.True(probe.Flag);
        Assert.Equal(7, probe.Count);
        Assert.Equal(12, probe.Auto);
        Assert.Equal(256L << 20, probe.Size);
        Assert.Equal(long.MaxValue, probe.Whole);
        Assert.Equal(1.25, probe.Ratio);
        Assert.Equal(TimeSpan.FromMinutes(90), probe.Wait);
        Assert.Equal(ProbeOptions.Links.LeastPending, probe.Choice);
        Assert.Equal(["x", "y, z"], probe.List);
        Assert.Equal(["one", "two"], probe.Array);
        Assert.Equal("1", probe.Map["X-A"]);
        Assert.Equal(["/a/**", "/b"], probe.Lists["bot"]);
        Assert.Empty(probe.Lists["other"]);
        Assert.Equal(new DateTimeOffset(2027, 1, 31, 0, 0, 0, TimeSpan.Zero), probe.Keys[0].NotBefore);
        Assert.Equal(1024, probe.Keys[0].Room);
        Assert.Equal(["n"], probe.Keys[0].Names);
        Assert.Null(probe.Keys[0].NotAfter);
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1900000000), probe.Keys[1].NotAfter);
        Assert.Equal(4, probe.Deep);
    }

    [Theory]
    [InlineData("30", 30_000)]
    [InlineData("1.5", 1_500)]
    [InlineData("250ms", 250)]
    [InlineData("2 m", 120_000)]
    [InlineData("7d", 604_800_000)]
    [InlineData("0", 0)]
    public void Durations(string text, double milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), _folder.Of<ProbeOptions>("--probe.wait", text).Wait);

    [Theory]
    [InlineData("1024", 1024)]
    [InlineData("10B", 10)]
    [InlineData("4kib", 4096)]
    [InlineData("1.5KiB", 1536)]
    [InlineData("8191 GiB", 8191L << 30)]
    public void Sizes(string text, long bytes) => Assert.Equal(bytes, _folder.Of<ProbeOptions>("--probe.size", text).Size);

    [Theory]
    [InlineData("wait", "-1", "is negative")]
    [InlineData("wait", "5 parsecs", "ms, s, m, h or d")]
    [InlineData("wait", "1M", "ms, s, m, h or d")]
    [InlineData("wait", "NaN", "is not a duration")]
    [InlineData("wait", "", "is not a duration")]
    [InlineData("wait", "1e9", "has no known unit")]
    [InlineData("wait", "36501d", "is too large")]
    [InlineData("wait", "99999999999999999999999999999999999999", "is too large")]
    [InlineData("wait", "1.2.3", "is not a duration")]
    [InlineData("wait", "0.00000000001s", "too small")]
    [InlineData("size", "-1KiB", "is negative")]
    [InlineData("size", "64MB", "KiB, MiB or GiB")]
    [InlineData("size", "64k", "KiB, MiB or GiB")]
    [InlineData("size", "8589934592GiB", "is too large")]
    [InlineData("size", "1.5", "whole number of bytes")]
    [InlineData("size", "many", "is not a size")]
    [InlineData("count", "0", "is too small; the least is 1")]
    [InlineData("count", "101", "is too large; the most is 100")]
    [InlineData("count", "2147483648", "is too large")]
    [InlineData("count", "-3", "is negative")]
    [InlineData("count", "1.0", "is not a whole number")]
    [InlineData("count", "0x10", "is not a whole number")]
    [InlineData("count", "1_0", "is not a whole number")]
    [InlineData("count", "auto", "is not a whole number")]
    [InlineData("count", "٣", "is not a whole number")]
    [InlineData("whole", "9223372036854775808", "is too large")]
    [InlineData("ratio", "NaN", "is not a number")]
    [InlineData("ratio", "Infinity", "is not a number")]
    [InlineData("ratio", "1e5", "is not a number")]
    [InlineData("ratio", "-0.5", "is negative")]
    [InlineData("ratio", "99999999999999999999", "is too large")]
    [InlineData("flag", "maybe", "is not true or false")]
    [InlineData("flag", "1", "is not true or false")]
    [InlineData("links", "some", "is not one of inside, any, least_pending")]
    [InlineData("keys", "[{id: a, secret: 12345, not_before: 5/1/2027}]", "is not a date and time")]
    [InlineData("keys", "[{id: a, secret: 12345, not_after: 999999999999999}]", "is too large")]
    public void Impossible_values_are_refused_in_each_place(string key, string text, string problem)
    {
        Assert.Contains(problem, Assert.Single(_folder.Faults($"--probe.{key}={text}")), StringComparison.Ordinal);
        _folder.Environment["XLIVE_PROBE_" + key.ToUpperInvariant()] = text;
        Assert.Contains(problem, Assert.Single(_folder.Faults()), StringComparison.Ordinal);
        _folder.Environment.Clear();
        var value = text.StartsWith('[') ? text : $"\"{text}\"";
        var fault = Assert.Single(_folder.FaultsOf($"# first\nprobe:\n  {key}: {value}\n"));
        Assert.StartsWith($"conf.yaml:3: probe.{key}", fault, StringComparison.Ordinal);
        Assert.Contains(problem, fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("text: [a]", "a list where text is expected")]
    [InlineData("count: {a: 1}", "a map where a whole number is expected")]
    [InlineData("list: a", "\"a\" where a list is expected")]
    [InlineData("list: {a: b}", "a map where a list is expected")]
    [InlineData("list: [[a]]", "a list where text is expected")]
    [InlineData("map: [a]", "a list where a map is expected")]
    [InlineData("map: {a: [b]}", "a list where text is expected")]
    [InlineData("lists: {a: b}", "where a list is expected")]
    [InlineData("keys: [a]", "a single value where a map with id, secret")]
    [InlineData("deep: 3", "a single value where a map of keys is expected")]
    [InlineData("deep: [3]", "a list where a map of keys is expected")]
    [InlineData("count:", "has no value where a whole number is expected")]
    [InlineData("text:", "has no value; write \"\"")]
    [InlineData("text: ~", "has no value")]
    [InlineData("list: [~]", "has no value")]
    [InlineData("count: !!int 5", "a YAML tag")]
    [InlineData("? [a]\n  : b", "a key must be a plain word")]
    public void Wrong_types_are_refused(string yaml, string problem) =>
        Assert.Contains(problem, Assert.Single(_folder.FaultsOf("probe:\n  " + yaml)), StringComparison.Ordinal);

    [Fact]
    public void Nothing_is_a_value_only_where_nothing_can_be_meant()
    {
        _folder.Write("conf.yaml", "probe:\n  maybe:\n  auto: ~\n  list:\n  map: null\n  keys:\n  deep:\n  text: \"null\"\nother:\n");
        var probe = _folder.Of<ProbeOptions>();
        Assert.Null(probe.Maybe);
        Assert.Null(probe.Auto);
        Assert.Empty(probe.List);
        Assert.Equal("null", probe.Text);
        Assert.Equal(1, probe.Deep);
    }

    [Fact]
    public void Auto_is_a_word_for_nothing_in_a_number_that_may_be_left_out()
    {
        _folder.Write("conf.yaml", "probe: {auto: 3}");
        Assert.Null(_folder.Of<ProbeOptions>("--probe.auto=auto").Auto);
    }

    [Fact]
    public void An_entry_names_its_unknown_missing_and_doubled_fields()
    {
        var faults = _folder.FaultsOf("""
            probe:
              keys:
                - id: a
                  secret: long enough
                  not_befor: 2027-01-01
                - id: b
                - id: c
                  secret: long enough
                  secret_file: x
                - {id: d, id: e, secret: long enough}
            """);
        Assert.Equal(
        [
            "conf.yaml:10: probe.keys[3].id: given twice, first on line 10",
            "conf.yaml:5: probe.keys[0].not_befor: unknown key, nearest is not_before",
            "conf.yaml:6: probe.keys[1]: has no secret and no secret_file",
            "conf.yaml:9: probe.keys[2].secret_file: given beside secret; only one of the two can hold",
        ], faults);
    }

    [Fact]
    public void A_rule_of_an_options_class_points_to_the_line_of_the_entry()
    {
        var fault = Assert.Single(_folder.FaultsOf("probe:\n  keys:\n    - {id: a, secret: 12345}\n    - id: b\n      secret: 123\n"));
        Assert.Equal("conf.yaml:5: probe.keys[1].secret: is too short", fault);
        Assert.Equal("command line: probe.count: must not be 66", Assert.Single(_folder.Faults("--probe.count=66", "--probe.keys=[]", "--probe.fixed=2")));
    }

    [Fact]
    public void A_single_entry_needs_no_list_around_it()
    {
        _folder.Write("conf.yaml", "probe: {keys: {id: a, secret: 12345}}");
        Assert.Equal("a", Assert.Single(_folder.Of<ProbeOptions>().Keys).Id);
    }

    [Fact]
    public void Every_value_text_reads_back_as_itself()
    {
        var odd = new[] { "", " ", "~", "null", "a: b", "#c", "*", "&x", "[", "é\u0085\u2028😀", "\"\\\n\t", "-", "- a", "true", "%", "'", "\u0001" };
        _folder.Write("conf.yaml", "probe: {list: [" + string.Join(", ", odd.Select(o => ValueText.Yaml(Shape.Of(typeof(string)), o, false))) + "]}");
        Assert.Equal(odd, _folder.Of<ProbeOptions>().List);
        foreach (var wait in new[] { 0, 1, 9_999, 10_000, 15_000_000, 600_000_000, 36_000_000_000, 864_000_000_000 })
        {
            Assert.Null(Quantity.ReadDuration(Quantity.Write(TimeSpan.FromTicks(wait)), out var read));
            Assert.Equal(wait, read.Ticks);
        }
    }
}
