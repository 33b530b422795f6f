namespace XLive.Server.Settings;

/// <summary>
/// One reading of everything: the file, over it the environment, over it the command line. Each layer is read in full, so that
/// a fault shows even where a higher layer hides it.
/// </summary>
internal sealed class SettingsReading
{
    private const string EnvironmentName = "environment";

    private readonly SettingKeys _keys;
    private readonly SettingsInput _input;
    private readonly Dictionary<string, (string Where, int Line)> _places = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (object? Value, string Source)> _given = new(StringComparer.Ordinal);

    public SettingsReading(SettingKeys keys, SettingsInput input)
    {
        _keys = keys;
        _input = input;
        Files = new InputFiles(input);
        var line = new CommandLine(input.Args, keys, Faults);
        var file = FindFile(line.Config);
        if (file is not null)
        {
            File = input.FullPath(file);
            Take(file, FileValues(file));
        }

        Take(EnvironmentName, Variables());
        Take(CommandLine.Where, line.Given.Select(g => Text(g.Key, g.IsFile, CommandLine.Where, g.Text)).OfType<Written>());
        WarnOfPlanned();
    }

    public FaultList Faults { get; } = new();

    public InputFiles Files { get; }

    public List<string> Warnings { get; } = [];

    /// <summary>The full path of the file that was read.</summary>
    public string? File { get; }

    public IReadOnlyDictionary<string, (object? Value, string Source)> Given => _given;

    /// <summary>For a rule of an options class: the fault gets the place where the key, or what it stands in, was written.</summary>
    public void AddFault(string path, string problem)
    {
        for (var name = path; name.Length > 0; name = name[..Math.Max(0, name.LastIndexOfAny(['.', '[']))])
        {
            if (_places.TryGetValue(name, out var place))
            {
                Faults.Add(place.Where, place.Line, path, problem);
                return;
            }
        }

        Faults.Add(File ?? "settings", 0, path, problem);
    }

    private string? FindFile(string? config)
    {
        var named = config ?? _input.Environment.GetValueOrDefault(SettingKeys.ConfigVariable);
        if (!string.IsNullOrEmpty(named))
        {
            if (Files.Exists(named))
            {
                return named;
            }

            Faults.Add(config is null ? $"{EnvironmentName} {SettingKeys.ConfigVariable}" : CommandLine.Where, 0, config is null ? "" : "--config",
                $"the file {FaultList.Quote(named)} {(Directory.Exists(_input.FullPath(named)) ? "is a directory" : "does not exist")}");
            return null;
        }

        return new[] { "conf.yaml", "config/conf.yaml", _input.SystemFile }.FirstOrDefault(Files.Exists);
    }

    private List<Written> FileValues(string file)
    {
        var values = new List<Written>();
        var text = Files.ReadConfig(file, out var problem);
        if (text is null)
        {
            Faults.Add(file, 0, "", problem);
            return values;
        }

        try
        {
            var root = YamlTree.Parse(text, "", (line, path, twice) => Faults.Add(file, line, path, twice));
            if (root is { Kind: NodeKind.Map })
            {
                Walk(file, root, "", values);
            }
            else if (root is { IsNull: false })
            {
                Faults.Add(file, root.Line, "", "the file must be a map of sections, such as \"server:\" with \"port: 7889\" below it");
            }
        }
        catch (YamlFaultException e)
        {
            Faults.Add(file, e.Line, "", e.Message);
        }

        return values;
    }

    private void Walk(string file, ConfigNode section, string path, List<Written> values)
    {
        foreach (var (name, line, node) in section.Entries)
        {
            if (Faults.Full)
            {
                return;
            }

            var full = path.Length == 0 ? name : path + "." + name;
            var key = _keys.Find(full, out var isFile);
            if (name.Contains('.') && (key is not null || _keys.IsSection(full)))
            {
                Faults.Add(file, line, full, $"a dotted name; write {FaultList.Quote(name[..name.IndexOf('.')] + ":")} and the rest indented below it");
            }
            else if (key is not null)
            {
                values.Add(new Written(key, full, isFile, file, node));
            }
            else if (!_keys.IsSection(full))
            {
                Faults.Add(file, line, full, $"unknown key, nearest is {_keys.NearestTo(full)}");
            }
            else if (node.Kind == NodeKind.Map)
            {
                Walk(file, node, full, values);
            }
            else if (!node.IsNull)
            {
                Faults.Add(file, node.Line, full, $"{(node.Kind == NodeKind.List ? "a list" : "a single value")} where a map of keys is expected");
            }
        }
    }

    private List<Written> Variables()
    {
        var values = new List<Written>();
        var unknown = new List<string>();
        foreach (var (name, text) in _input.Environment.OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            if (!name.StartsWith("XLIVE_", StringComparison.Ordinal) || name == SettingKeys.ConfigVariable)
            {
                continue;
            }

            var key = _keys.FindVariable(name, out var isFile);
            if (key is null)
            {
                unknown.Add($"{name} (nearest {Nearest.To(name, _keys.Variables)})");
            }
            else if (key.Shape.Kind == ShapeKind.Whole && text.Contains("://", StringComparison.Ordinal))
            {
                // Kubernetes sets XLIVE_SERVER_PORT=tcp://10.0.0.1:80 in every pod beside a service called xlive-server.
                Warnings.Add($"{name} is a service address that Kubernetes set, not {key.Name}; ignored");
            }
            else if (Text(key, isFile, $"{EnvironmentName} {name}", text) is { } written)
            {
                values.Add(written);
            }
        }

        if (unknown.Count > 0)
        {
            Warnings.Add("unknown variables are ignored: " + string.Join(", ", unknown));
        }

        return values;
    }

    // Lists and maps have no lines of their own here: YAML flow text, or a comma list.
    private Written? Text(SettingKey key, bool isFile, string where, string text)
    {
        var name = isFile ? key.Name + SettingKey.FileSuffix : key.Name;
        var structured = !isFile && key.Shape.Kind is ShapeKind.List or ShapeKind.Map or ShapeKind.Fields;
        if (isFile || !structured)
        {
            return new Written(key, name, isFile, where, ConfigNode.OfText(text));
        }

        var plainList = key.Shape.Kind == ShapeKind.List && key.Shape.Element!.Kind is not (ShapeKind.List or ShapeKind.Map or ShapeKind.Fields);
        var trimmed = text.Trim();
        if (plainList && !trimmed.StartsWith('[') && !trimmed.StartsWith("- ", StringComparison.Ordinal))
        {
            return new Written(key, name, false, where, ConfigNode.OfCommaList(trimmed));
        }

        try
        {
            var node = YamlTree.Parse(text, name, (_, path, twice) => Faults.Add(where, 0, path, twice));
            return new Written(key, name, false, where, WithoutLines(node ?? new ConfigNode { Kind = NodeKind.Scalar, Plain = true }));
        }
        catch (YamlFaultException e)
        {
            Faults.Add(where, 0, name, key.HidesValue ? "not YAML flow text" : e.Message);
            return null;
        }
    }

    private static ConfigNode WithoutLines(ConfigNode node)
    {
        var copy = new ConfigNode { Kind = node.Kind, Text = node.Text, Plain = node.Plain };
        copy.Items.AddRange(node.Items.Select(WithoutLines));
        copy.Entries.AddRange(node.Entries.Select(e => (e.Name, 0, WithoutLines(e.Value))));
        return copy;
    }

    private void Take(string layer, IEnumerable<Written> values)
    {
        var taken = new Dictionary<string, Written>(StringComparer.Ordinal);
        foreach (var written in values)
        {
            var (key, name, isFile, where, node) = written;
            if (taken.TryGetValue(key.Name, out var other))
            {
                Faults.Add(where, node.Line, name, $"given beside {other.Name}; only one of the two can hold");
                continue;
            }

            taken[key.Name] = written;
            var reader = new ValueReader(where, Faults, Files, _places);
            var before = Faults.Count;
            var value = isFile ? reader.ReadSecretFile(key.Shape, node, name) : reader.Read(key.Shape, node, name, key.HidesValue);
            if (Faults.Count == before)
            {
                _places[key.Name] = (where, node.Line);
                _given[key.Name] = (value, node.Line > 0 ? $"{layer}:{node.Line}" : layer);
            }
        }
    }

    private void WarnOfPlanned()
    {
        var idle = _keys.All.Where(k => k.Planned is not null && _given.ContainsKey(k.Name)).Select(k => $"{k.Name} ({k.Planned})").ToList();
        if (idle.Count > 0)
        {
            Warnings.Add("not built yet, so without effect: " + string.Join(", ", idle));
        }
    }

    private sealed record Written(SettingKey Key, string Name, bool IsFile, string Where, ConfigNode Node);
}
