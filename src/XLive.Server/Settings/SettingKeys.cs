using System.Reflection;

namespace XLive.Server.Settings;

/// <summary>
/// All keys there are, from the options classes and from PlannedKeys; a real key replaces the planned one of its name. Mistakes
/// found here are the programmer's and stop the program at once.
/// </summary>
internal sealed class SettingKeys
{
    public const string ConfigVariable = "XLIVE_CONFIG";

    private readonly Dictionary<string, SettingKey> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (SettingKey Key, bool IsFile)> _byVariable = new(StringComparer.Ordinal);
    private readonly HashSet<string> _sections = new(StringComparer.Ordinal);

    private SettingKeys(IReadOnlyList<Type> optionTypes, IEnumerable<SettingKey> planned)
    {
        OptionTypes = optionTypes;
        foreach (var key in optionTypes.SelectMany(KeysOf))
        {
            Add(key);
        }

        foreach (var key in planned.Where(k => !_byName.ContainsKey(k.Name)))
        {
            Add(key);
        }

        if (_byName.Keys.FirstOrDefault(_sections.Contains) is { } both)
        {
            throw new InvalidOperationException($"{both} is a key and a section.");
        }
    }

    public IReadOnlyList<Type> OptionTypes { get; }

    public IReadOnlyCollection<SettingKey> All => _byName.Values;

    public IEnumerable<string> OptionNames => _byName.Values.SelectMany(k => k.Secret ? new[] { k.Name, k.Name + SettingKey.FileSuffix } : [k.Name]);

    public IEnumerable<string> Variables => _byVariable.Keys.Append(ConfigVariable);

    public static SettingKeys Of(IReadOnlyList<Type> optionTypes) => new(optionTypes, PlannedKeys.All);

    /// <summary>Every class of the assembly that has a setting, so that none can be forgotten in a list.</summary>
    public static IReadOnlyList<Type> OptionTypesOf(Assembly assembly) =>
    [
        .. assembly.GetTypes()
            .Where(t => t.IsClass && t.GetProperties().Any(p => p.IsDefined(typeof(SettingAttribute))))
            .OrderBy(t => t.FullName, StringComparer.Ordinal),
    ];

    public static IEnumerable<SettingKey> KeysOf(Type optionType)
    {
        var defaults = Activator.CreateInstance(optionType)!;
        foreach (var property in optionType.GetProperties())
        {
            if (property.GetCustomAttribute<SettingAttribute>() is { } setting)
            {
                yield return new SettingKey
                {
                    Name = setting.Key,
                    Shape = Shape.Of(property, setting.Unit, setting.Least, setting.Most),
                    Default = property.GetValue(defaults),
                    Why = setting.Why,
                    NeedsRestart = setting.NeedsRestart,
                    Secret = setting.Secret,
                    Property = property,
                };
            }
        }
    }

    public bool IsSection(string name) => _sections.Contains(name);

    /// <summary>`isFile`: the name is a secret's "..._file" sibling.</summary>
    public SettingKey? Find(string name, out bool isFile)
    {
        isFile = false;
        if (_byName.TryGetValue(name, out var key))
        {
            return key;
        }

        isFile = name.EndsWith(SettingKey.FileSuffix, StringComparison.Ordinal)
            && _byName.TryGetValue(name[..^SettingKey.FileSuffix.Length], out key) && key.Secret;
        return isFile ? key : null;
    }

    public SettingKey? FindVariable(string variable, out bool isFile)
    {
        var found = _byVariable.TryGetValue(variable, out var known);
        isFile = found && known.IsFile;
        return found ? known.Key : null;
    }

    public string NearestTo(string name)
    {
        // "filesystem.root" at the top level is a misplaced key rather than a misspelt one.
        var misplaced = OptionNames.FirstOrDefault(k => k.EndsWith("." + name, StringComparison.Ordinal));
        return misplaced ?? Nearest.To(name, OptionNames);
    }

    private void Add(SettingKey key)
    {
        if (!key.Name.Contains('.'))
        {
            throw new InvalidOperationException($"{key.Name} has no section; a name without a dot belongs to commands.");
        }

        if (!_byName.TryAdd(key.Name, key))
        {
            throw new InvalidOperationException($"Two properties have the key {key.Name}.");
        }

        AddVariable(key.Variable, key, false);
        if (key.Secret)
        {
            AddVariable(SettingKey.VariableOf(key.Name + SettingKey.FileSuffix), key, true);
        }

        for (var dot = key.Name.IndexOf('.'); dot >= 0; dot = key.Name.IndexOf('.', dot + 1))
        {
            _sections.Add(key.Name[..dot]);
        }
    }

    private void AddVariable(string variable, SettingKey key, bool isFile)
    {
        if (variable == ConfigVariable || !_byVariable.TryAdd(variable, (key, isFile)))
        {
            throw new InvalidOperationException($"{key.Name} shares the variable {variable} with another key.");
        }
    }
}
