using XLive.Server.Hooks;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Settings;

namespace XLive.Server.Tests.Settings;

public sealed class SecretTests : IDisposable
{
    private readonly SettingsFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_secret_may_stand_in_a_file_of_its_own_named_in_each_layer()
    {
        var path = _folder.Write("run/secret", " kept as is \r\n\n");
        _folder.Write("conf.yaml", "probe:\n  secret_file: run/secret\n  keys: [{id: a, secret_file: run/secret}]\n");
        Assert.Equal(" kept as is ", _folder.Of<ProbeOptions>().Secret);
        Assert.Equal(" kept as is ", _folder.Of<ProbeOptions>().Keys[0].Secret);
        _folder.Environment["XLIVE_PROBE_SECRET_FILE"] = _folder.Write("two", "from the environment\n");
        Assert.Equal("from the environment", _folder.Of<ProbeOptions>().Secret);
        Assert.Equal(" kept as is ", _folder.Of<ProbeOptions>("--probe.secret_file", path).Secret);
        Assert.Equal("plain", _folder.Of<ProbeOptions>("--probe.secret=plain").Secret);
    }

    [Fact]
    public void Both_in_one_layer_are_one_too_many()
    {
        _folder.Write("s", "x");
        const string problem = "only one of the two can hold";
        Assert.Contains(problem, Assert.Single(_folder.FaultsOf("probe:\n  secret: a\n  secret_file: s\n")), StringComparison.Ordinal);
        _folder.Write("conf.yaml", "");
        Assert.Contains(problem, Assert.Single(_folder.Faults("--probe.secret=a", "--probe.secret_file=s")), StringComparison.Ordinal);
        _folder.Environment["XLIVE_PROBE_SECRET"] = "a";
        _folder.Environment["XLIVE_PROBE_SECRET_FILE"] = "s";
        Assert.Contains(problem, Assert.Single(_folder.Faults()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gone", "does not exist")]
    [InlineData("empty", "is empty")]
    [InlineData("large", "is larger than 64KiB")]
    [InlineData("binary", "is not UTF-8 text")]
    [InlineData(".", "is a directory")]
    [InlineData("/dev/zero", "is larger")]
    public void A_file_that_cannot_be_read_is_named(string file, string problem)
    {
        _folder.Write("empty", "\n");
        _folder.Write("large", new string('x', 65537));
        File.WriteAllBytes(Path.Combine(_folder.Path, "binary"), [0xff, 0xfe, 0]);
        var fault = Assert.Single(_folder.FaultsOf($"probe:\n  secret_file: {file}\n"));
        Assert.StartsWith($"conf.yaml:2: probe.secret_file: the file \"{file}\" {problem}", fault, StringComparison.Ordinal);
        Assert.StartsWith($"conf.yaml:3: probe.keys[0].secret_file: the file \"{file}\" {problem}",
            Assert.Single(_folder.FaultsOf($"probe:\n  keys:\n    - {{id: a, secret_file: {file}}}\n")), StringComparison.Ordinal);
    }

    [Fact]
    public void Only_secrets_have_such_a_sibling() =>
        Assert.Contains("unknown key", Assert.Single(_folder.FaultsOf("probe: {text_file: x}")), StringComparison.Ordinal);

    [Fact]
    public void No_secret_is_shown()
    {
        _folder.Write("conf.yaml", "probe:\n  secret: topsecret\n  keys: [{id: a, secret: topsecret}]\n  text: redis://user:topsecret@host/0\n"
            + "  list: [\"http://u:topsecret@h/\"]\nbackend: {headers: {Authorization: topsecret}}\nhooks: {secret: topsecret}\n");
        var settings = ServerSettings.Load(_folder.Input(), typeof(ProbeOptions), typeof(OriginOptions), typeof(HookOptions));
        var shown = settings.Describe().ToDictionary(d => d.Key);
        Assert.DoesNotContain("topsecret", string.Concat(shown.Values) + string.Concat(settings.Warnings), StringComparison.Ordinal);
        Assert.Equal("***", shown["probe.secret"].Value);
        Assert.Equal("***", shown["hooks.secret"].Value);
        Assert.Equal("***", shown["backend.headers"].Value);
        Assert.Equal("[{id: a, secret: \"***\", room: 0, names: []}]", shown["probe.keys"].Value);
        Assert.Equal("redis://***@host/0", shown["probe.text"].Value);
    }

    [Theory]
    [InlineData("probe: {secret: [topsecret]}")]
    [InlineData("probe: {secret: {topsecret: 1}}")]
    [InlineData("probe: {keys: [topsecret]}")]
    [InlineData("probe: {keys: topsecret}")]
    [InlineData("probe: {keys: [{id: a, secret: [topsecret]}]}")]
    [InlineData("probe: {secrets: topsecret}")]
    public void No_fault_repeats_a_secret(string yaml) => Assert.DoesNotContain("topsecret", Assert.Single(_folder.FaultsOf(yaml)), StringComparison.Ordinal);

    [Fact]
    public void A_misspelt_option_does_not_print_its_value() =>
        Assert.DoesNotContain("topsecret", Assert.Single(_folder.Faults("--probe.secert", "topsecret")), StringComparison.Ordinal);
}
