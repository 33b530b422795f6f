namespace XLive.Server.Settings;

/// <summary>
/// Ties a property of an options class to its key. The key in the file, the variable XLIVE_..., the option --..., the line in
/// conf.yaml and the row in the docs all come from here; the default is the property's initializer.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SettingAttribute(string key, string why) : Attribute
{
    public string Key { get; } = key;

    /// <summary>One line for conf.yaml: what it decides, and the reason of the default where there is one.</summary>
    public string Why { get; } = why;

    /// <summary>A change in the file waits for the next start.</summary>
    public bool NeedsRestart { get; init; }

    /// <summary>Never shown; has a sibling key "..._file".</summary>
    public bool Secret { get; init; }

    /// <summary>How a bare number reads, and which units are accepted.</summary>
    public SettingUnit Unit { get; init; }

    /// <summary>The smallest value, in the setting's own notation ("1", "16KiB", "100ms"). Below zero is refused anyway.</summary>
    public string? Least { get; init; }

    /// <summary>The largest value, in the setting's own notation.</summary>
    public string? Most { get; init; }
}

/// <summary>
/// What cannot be seen from the type of a property in an entry of a list of maps (access.keys, limits.requests). The entry's
/// names are the C# names in snake_case; a property without this attribute is an ordinary one.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SettingFieldAttribute : Attribute
{
    public bool Required { get; init; }
    public bool Secret { get; init; }
    public SettingUnit Unit { get; init; }
    public string? Least { get; init; }
    public string? Most { get; init; }

    /// <summary>A single value in the place of the map is this field's: traffic.quota: 10GiB.</summary>
    public bool Bare { get; init; }
}

public enum SettingUnit { None, Duration, Bytes }

/// <summary>
/// An options class that has rules beyond its types. Each fault names its key; "access.keys[2].secret" leads to that line.
/// Called before the instance is published, and again at each reload.
/// </summary>
public interface ICheckedOptions
{
    void Check(Action<string, string> fault);
}

/// <summary>Rules between one options class and others; asked when each one's own hold.</summary>
public interface ICheckedTogether
{
    void CheckWith(IReadOnlyDictionary<Type, object> others, Action<string, string> fault);
}
