using XLive.Server.Settings;

namespace XLive.Server.Tests.Settings;

public sealed class LayerTests : IDisposable
{
    private readonly SettingsFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_command_line_holds_over_the_environment_and_that_over_the_file()
    {
        _folder.Write("conf.yaml", "probe:\n  count: 1\n  whole: 1\n  deep: {er: {value: 1}}\n");
        _folder.Environment["XLIVE_PROBE_WHOLE"] = "2";
        _folder.Environment["XLIVE_PROBE_DEEP_ER_VALUE"] = "2";
        var settings = _folder.Load("--probe.deep.er.value=3");
        var probe = settings.Of<ProbeOptions>();
        Assert.Equal((1, 2L, 3), (probe.Count, probe.Whole, probe.Deep));
        var sources = settings.Describe().ToDictionary(d => d.Key, d => d.Source);
        Assert.Equal("conf.yaml:2", sources["probe.count"]);
        Assert.Equal("environment", sources["probe.whole"]);
        Assert.Equal("command line", sources["probe.deep.er.value"]);
        Assert.Equal("default", sources["probe.flag"]);
        Assert.True(settings.IsSet("probe.count"));
        Assert.False(settings.IsSet("probe.flag"));
    }

    [Fact]
    public void Options_take_their_value_with_a_sign_or_as_the_next_word()
    {
        var probe = _folder.Of<ProbeOptions>("--probe.text=a=b", "--probe.maybe", "-x", "--probe.flag", "--probe.count", "7");
        Assert.Equal(("a=b", "-x", true, 7), (probe.Text, probe.Maybe, probe.Flag, probe.Count));
        Assert.False(_folder.Of<ProbeOptions>("--probe.flag", "false").Flag);
        Assert.Equal("", _folder.Of<ProbeOptions>("--probe.text=").Text);
        Assert.Equal(9, _folder.Of<ProbeOptions>("--probe.count=8", "--probe.count=9").Count);
    }

    [Theory]
    [InlineData("command line: --probe.cuont: unknown option, nearest is --probe.count", "--probe.cuont", "3")]
    [InlineData("command line: --confg: unknown option, nearest is --config", "--confg=x")]
    [InlineData("command line: --probe.count: needs a value", "--probe.count")]
    [InlineData("command line: --probe.count: needs a value", "--probe.count", "--probe.flag")]
    [InlineData("command line: \"more\" is no option; options begin with --", "--probe.flag", "more")]
    [InlineData("command line: \"-p\" is no option; options begin with --", "-p")]
    [InlineData("command line: --probe: unknown option", "--probe=3")]
    [InlineData("command line: probe.flag: \"x\" is not true or false", "--probe.flag=x")]
    public void Wrong_options_are_refused(string fault, params string[] args) =>
        Assert.StartsWith(fault, Assert.Single(_folder.Faults(args)), StringComparison.Ordinal);

    [Fact]
    public void Lists_and_maps_are_flow_text_or_a_comma_list()
    {
        Assert.Equal(["*", "b c"], _folder.Of<ProbeOptions>("--probe.list=*, b c,").List);
        Assert.Equal(["a,b", "c"], _folder.Of<ProbeOptions>("--probe.list=[\"a,b\", c]").List);
        Assert.Equal(["a", "b"], _folder.Of<ProbeOptions>("--probe.list=- a\n- b").List);
        Assert.Empty(_folder.Of<ProbeOptions>("--probe.list=").List);
        _folder.Environment["XLIVE_PROBE_MAP"] = "{a: b, c: d}";
        _folder.Environment["XLIVE_PROBE_LISTS"] = "{bot: [/x]}";
        _folder.Environment["XLIVE_PROBE_KEYS"] = "[{id: a, secret: 12345}]";
        _folder.Environment["XLIVE_PROBE_ARRAY"] = "x,y";
        var probe = _folder.Of<ProbeOptions>();
        Assert.Equal("d", probe.Map["c"]);
        Assert.Equal(["/x"], probe.Lists["bot"]);
        Assert.Equal("12345", probe.Keys[0].Secret);
        Assert.Equal(["x", "y"], probe.Array);
    }

    [Theory]
    [InlineData("map", "a,b", "\"a,b\" where a map is expected")]
    [InlineData("map", "{a: b", "not YAML")]
    [InlineData("map", "{a: b, a: c}", "probe.map.a: given twice")]
    [InlineData("keys", "plain-secret", "a single value where a list of maps is expected")]
    [InlineData("keys", "[{id: a, secret: 'plain-secret]", "not YAML flow text")]
    [InlineData("count", "", "\"\" is not a whole number")]
    public void Variables_are_as_strict_as_the_file(string key, string text, string problem)
    {
        _folder.Environment["XLIVE_PROBE_" + key.ToUpperInvariant()] = text;
        var fault = Assert.Single(_folder.Faults());
        Assert.StartsWith("environment XLIVE_PROBE_", fault, StringComparison.Ordinal);
        Assert.Contains(problem, fault, StringComparison.Ordinal);
        Assert.DoesNotContain("plain-secret", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_variables_only_warn()
    {
        _folder.Environment["XLIVE_PROBE_CUONT"] = "3";
        _folder.Environment["XLIVE_SERVICE_HOST"] = "10.0.0.1";
        _folder.Environment["XLIVE_PROBE_COUNT"] = "4";
        _folder.Environment["xlive_probe_flag"] = "yes";
        _folder.Environment["PATH"] = "/bin";
        var settings = _folder.Load();
        Assert.Equal(4, settings.Of<ProbeOptions>().Count);
        var warning = Assert.Single(settings.Warnings);
        Assert.Contains("XLIVE_PROBE_CUONT (nearest XLIVE_PROBE_COUNT), XLIVE_SERVICE_HOST (nearest ", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void A_service_address_that_Kubernetes_sets_is_no_port()
    {
        _folder.Environment["XLIVE_RTMP_PORT"] = "tcp://10.96.0.1:1935";
        var settings = _folder.Load();
        Assert.Equal(1935, settings.Of<OtherOptions>().RtmpPort);
        Assert.Contains("XLIVE_RTMP_PORT", Assert.Single(settings.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_fault_shows_even_where_a_higher_layer_hides_it()
    {
        _folder.Write("conf.yaml", "probe: {count: x}");
        Assert.Single(_folder.Faults("--probe.count=3"));
    }
}
