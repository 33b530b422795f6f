using System.Text;
using XLive.Fuzz.Engine;
using XLive.Server.Settings;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// A file, and after a record separator (1E) each the environment and the command line, a variable or a word a line: every key that the
/// server has. What is taken, printed as options, reads as the same; what is refused says where and why, a line each.
/// </summary>
public sealed class SettingsFuzzer : Fuzzer<SettingsInput>, IDisposable
{
    private const char Separator = '\u001e';

    private static readonly SettingKeys Keys = SettingKeys.Of(SettingKeys.OptionTypesOf(typeof(ServerSettings).Assembly));
    private static readonly SettingKey[] All = [.. Keys.All.OrderBy(k => k.Name, StringComparer.Ordinal)];

    // Memory, where there is such a place: a file is written for each input.
    private readonly string _folder = Directory.CreateDirectory(
        Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"xlive-fuzz-{Environment.ProcessId}-{Guid.NewGuid():n}")).FullName;

    private SettingsState? _state;
    private SettingsException? _refused;

    public override string Name => "settings";

    public override string Target => "`ServerSettings`";

    // The operator's own words. Each key has its objects whatever is given, and a YAML parser's events are a hundred times the
    // characters "- - - -" that make them; InputFiles bounds the file, YamlTree the values.
    protected override long AllocationRoom => 2 << 20;

    protected override int AllocationTimes => 1000;

    protected override TimeSpan Patience => TimeSpan.FromMilliseconds(10);

    protected override string[] Tokens { get; } =
    [
        ":", ": ", "- ", "[", "]", "{", "}", "&a ", "*a", "!!str ", "!!map ", "? ", "|", ">", "\"", "'", "#", "%YAML 1.9\n", "---\n", "...\n", "\t", "\n", "\n  ", "\r", "~", "null",
        "\\U00110000", "\\x", "\\", "\0", "\u00ef\u00bb\u00bf", "<<: ", "-1", "1e999", "NaN", "auto", "_file", ",", "@", "`", "\u00f0\u009f\u0098\u0080", "server:\n  port: ", "access:\n", "\u001e",
        "XLIVE_SERVER_PORT=", "--server.port=", "--config", "--access.secret", "1d", "10 GiB", "0.5h", "tcp://1.2.3.4:80", "\u00e2\u0080\u00a8", "[[[[[[[[", "{a: {a: {a: ",
    ];

    protected override string Generate(Dice dice)
    {
        var file = new StringBuilder();
        foreach (var section in Enumerable.Range(0, dice.Below(5)).Select(_ => Pick(dice)).DistinctBy(k => k.Name).GroupBy(k => k.Section))
        {
            file.Append(section.Key).Append(":\n");
            foreach (var key in section.Where(k => k.Name.Count('.') == 1))
                file.Append("  ").Append(key.Name.AsSpan(section.Key.Length + 1)).Append(": ").Append(Value(key, dice)).Append('\n');
            foreach (var key in section.Where(k => k.Name.Count('.') == 2).DistinctBy(k => k.Name.Split('.')[1]))
                file.Append("  ").Append(key.Name.Split('.')[1]).Append(":\n    ").Append(key.Name.Split('.')[2]).Append(": ").Append(Value(key, dice)).Append('\n');
        }
        var environment = Enumerable.Range(0, dice.Below(3)).Select(_ => Pick(dice)).DistinctBy(k => k.Name).Select(k => $"{k.Variable}={Value(k, dice)}");
        var words = Enumerable.Range(0, dice.Below(3)).Select(_ => Pick(dice)).DistinctBy(k => k.Name).Select(k => $"--{k.Name}{(dice.OneIn(2) ? "=" : "\n")}{Value(k, dice)}");
        return string.Join(Separator, file.ToString(), string.Join('\n', environment), string.Join('\n', words));
    }

    private static SettingKey Pick(Dice dice) => All[dice.Below(All.Length)];

    /// <summary>The default, mostly, which is always taken; else a value that may be.</summary>
    private static string Value(SettingKey key, Dice dice)
    {
        if (dice.OneIn(2))
            return Latin(Encoding.UTF8.GetBytes(ValueText.Yaml(key.Shape, key.Default, false)));
        return key.Shape.Kind switch
        {
            ShapeKind.Flag => dice.Pick("true", "false", "on", "No"),
            ShapeKind.Whole or ShapeKind.Number => dice.OneIn(2) ? dice.Number() : dice.Pick("1", "8080", "443"),
            ShapeKind.Duration => dice.Pick("30", "30s", "1.5 h", "500ms", "7d", "0", "36500d"),
            ShapeKind.Bytes => dice.Pick("0", "64MiB", "1048576", "0.5 KiB", "8589934592GiB"),
            ShapeKind.Moment => dice.Pick("2027-01-31", "2027-01-31T12:00:00Z", "1800000000", "253402300800"),
            ShapeKind.Choice => dice.Pick(key.Shape.Choices.Select(static c => c.Name).Append("none").ToArray()),
            ShapeKind.List => dice.Pick("[]", "[10.0.0.0/8, ::1]", "[/a/**, \"/b, c\"]", "['a\\b', \"c\\\\n\"]", "[{id: k, secret: 0123456789abcdef}]", "a,b", "{window: 1m, count: 10}"),
            ShapeKind.Map or ShapeKind.Fields => dice.Pick("{}", "{bot: [/a/**], browser: []}", "{Host: example.com}", "{/films/**: [none, .example.com]}"),
            _ => dice.Pick("plain", "\"quoted \\u00e9\"", "'it''s'", "http://127.0.0.1:8080/", "0123456789abcdef", "\"\""),
        };
    }

    protected override SettingsInput Read(string input)
    {
        var parts = input.Split(Separator);
        File.WriteAllBytes(Path.Combine(_folder, "conf.yaml"), Bytes(parts[0]));
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in parts.Length > 1 ? Wide(parts[1]).Split('\n', 50, StringSplitOptions.RemoveEmptyEntries) : [])
            environment[line.Split('=')[0]] = line.Contains('=') ? line[(line.IndexOf('=') + 1)..] : "";
        return new SettingsInput
        {
            Args = parts.Length > 2 ? Wide(parts[2]).Split('\n', 50, StringSplitOptions.RemoveEmptyEntries) : [],
            Environment = environment,
            WorkingDirectory = _folder,
            SystemFile = Path.Combine(_folder, "none"),
        };
    }

    protected override bool Parse(SettingsInput input)
    {
        (_state, _refused) = (null, null);
        try
        {
            _state = SettingsState.Of(Keys, new SettingsReading(Keys, input), null);
            return true;
        }
        catch (SettingsException refused)
        {
            _refused = refused;
            return false;
        }
    }

    protected override void Verify(SettingsInput input, bool accepted)
    {
        if (!accepted)
        {
            FuzzFailure.Unless(_refused!.Faults.Count is > 0 and <= 51, "some faults, and not too many to read");
            foreach (var fault in _refused.Faults)
                FuzzFailure.Unless(fault.ToString() is { Length: < 2000 } line && !line.Any(static c => char.IsControl(c)), "a fault on one line: " + fault);
            return;
        }
        var taken = _state!.Reading.Given;
        if (taken.Count == 0)
            return;
        FuzzFailure.Equal(Keys.All.Count, _state.Describe(Keys).Count, "described");
        var words = new List<string>();
        foreach (var (name, given) in taken)
        {
            var key = Keys.Find(name, out _)!;
            // A text is itself on the command line; all else is YAML there.
            words.Add($"--{name}={(key.Shape.Kind == ShapeKind.Text ? (string?)given.Value ?? "" : ValueText.Yaml(key.Shape, given.Value, false))}");
        }
        var printed = new SettingsReading(Keys, new SettingsInput { Args = words, WorkingDirectory = _folder + "/..", SystemFile = input.SystemFile });
        FuzzFailure.Equal(0, printed.Faults.Count, "faults of what was printed: " + string.Join(' ', words));
        foreach (var (name, given) in taken)
        {
            var key = Keys.Find(name, out _)!;
            FuzzFailure.Equal(ValueText.Yaml(key.Shape, given.Value, false), ValueText.Yaml(key.Shape, printed.Given[name].Value, false), name);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
