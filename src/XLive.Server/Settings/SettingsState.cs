using System.Collections.Frozen;

namespace XLive.Server.Settings;

/// <summary>What the management API and `config check` say of a key. Secrets are masked here already.</summary>
public sealed record SettingDescription(string Key, string Value, string Default, string Source, string Why)
{
    public required bool NeedsRestart { get; init; }

    /// <summary>What the file says now and the next start will take; null when that is what runs.</summary>
    public required string? Pending { get; init; }

    public required bool Secret { get; init; }

    /// <summary>The part that will use the key, while it is not built.</summary>
    public required string? Planned { get; init; }
}

/// <summary>One consistent set of option instances and the reading they came from. Immutable.</summary>
internal sealed class SettingsState
{
    private readonly Dictionary<string, object?> _running;
    private readonly Dictionary<string, object?> _wanted;

    private SettingsState(SettingsReading reading, FrozenDictionary<Type, object> options, Dictionary<string, object?> running,
        Dictionary<string, object?> wanted)
    {
        Reading = reading;
        Options = options;
        _running = running;
        _wanted = wanted;
    }

    public SettingsReading Reading { get; }

    public FrozenDictionary<Type, object> Options { get; }

    public IReadOnlyList<string> Warnings => Reading.Warnings;

    public string? File => Reading.File;

    /// <summary>`old`: what runs now, when this is a reload; keys that need a restart keep its values.</summary>
    public static SettingsState Of(SettingKeys keys, SettingsReading reading, SettingsState? old)
    {
        var wanted = keys.All.ToDictionary(k => k.Name, k => reading.Given.TryGetValue(k.Name, out var given) ? given.Value : k.Default);
        var options = Instances(keys, reading, k => reading.Given.ContainsKey(k.Name), wanted, "");
        reading.Faults.ThrowIfAny();
        var running = new Dictionary<string, object?>(wanted);
        if (old is not null)
        {
            foreach (var key in keys.All.Where(k => k.NeedsRestart && !Equal(k, wanted[k.Name], old._running[k.Name])))
            {
                running[key.Name] = old._running[key.Name];
            }

            // What the file says has passed its rules; mixed with what must wait it may still break one.
            bool Set(SettingKey k) => reading.Given.ContainsKey(k.Name) || k.NeedsRestart;
            options = Instances(keys, reading, Set, running, " (together with values that wait for a restart)");
            reading.Faults.ThrowIfAny();
        }

        return new SettingsState(reading, options.ToFrozenDictionary(), running, wanted);
    }

    public FrozenSet<string> ChangedSince(SettingsState old, SettingKeys keys) => keys.All
        .Where(k => k.Planned is null && !Equal(k, _running[k.Name], old._running[k.Name]))
        .Select(k => k.Name)
        .ToFrozenSet(StringComparer.Ordinal);

    public IReadOnlyList<SettingDescription> Describe(SettingKeys keys) =>
    [
        .. ReferenceFile.InOrder(keys.All).Select(k => new SettingDescription(
            k.Name,
            ValueText.Shown(k, _running[k.Name]),
            ValueText.Shown(k, k.Default),
            Reading.Given.TryGetValue(k.Name, out var given) ? given.Source : "default",
            k.Why)
        {
            NeedsRestart = k.NeedsRestart,
            Pending = Equal(k, _running[k.Name], _wanted[k.Name]) ? null : ValueText.Shown(k, _wanted[k.Name]),
            Secret = k.Secret,
            Planned = k.Planned,
        }),
    ];

    private static Dictionary<Type, object> Instances(SettingKeys keys, SettingsReading reading, Func<SettingKey, bool> isSet,
        Dictionary<string, object?> values, string remark)
    {
        var options = new Dictionary<Type, object>();
        foreach (var type in keys.OptionTypes)
        {
            // Not the type's default instance: a class may fill one property from another, and lists are not to be shared.
            var instance = Activator.CreateInstance(type)!;
            options[type] = instance;
            var own = keys.All.Where(k => k.Property?.ReflectedType == type).ToList();
            foreach (var key in own.Where(isSet))
            {
                key.Property!.SetValue(instance, values[key.Name]);
            }

            // A rule asked about a value that could not be read would only confuse.
            if (instance is ICheckedOptions rules && !own.Any(k => reading.Faults.Concerns(k.Name)))
            {
                rules.Check((key, problem) => reading.AddFault(key, problem + remark));
            }
        }

        foreach (var rules in options.Values.OfType<ICheckedTogether>().Where(_ => reading.Faults.Count == 0))
        {
            rules.CheckWith(options, (key, problem) => reading.AddFault(key, problem + remark));
        }

        return options;
    }

    private static bool Equal(SettingKey key, object? one, object? other) =>
        ValueText.Yaml(key.Shape, one, false) == ValueText.Yaml(key.Shape, other, false);
}
