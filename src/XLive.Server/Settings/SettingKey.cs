using System.Reflection;

namespace XLive.Server.Settings;

/// <summary>One key: what it is called in each place, which values it takes, and what holds until someone says otherwise.</summary>
internal sealed class SettingKey
{
    public const string FileSuffix = "_file";

    public required string Name { get; init; }

    public required Shape Shape { get; init; }

    public required object? Default { get; init; }

    public required string Why { get; init; }

    public bool NeedsRestart { get; init; }

    public bool Secret { get; init; }

    /// <summary>The part that will use it, while it is not built; null for a key that works.</summary>
    public string? Planned { get; init; }

    /// <summary>Where the value goes; a planned key has none.</summary>
    public PropertyInfo? Property { get; init; }

    public string Section => Name[..Name.IndexOf('.')];

    public string Variable => VariableOf(Name);

    /// <summary>Whether a message may repeat what was written.</summary>
    public bool HidesValue => Secret || Shape.HoldsSecrets;

    public static string VariableOf(string name) => "XLIVE_" + name.ToUpperInvariant().Replace('.', '_');
}
