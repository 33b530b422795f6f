namespace XLive.Server.Settings;

/// <summary>
/// The keys whose part is not built yet: known, checked and documented like the others, so that a configuration written today
/// stays right. Whoever builds the part writes its options class and takes the lines out here.
/// </summary>
internal static class PlannedKeys
{
    public static IReadOnlyList<SettingKey> All { get; } =
    [
        .. Feature("live",
            Key("live.thumbnails", true, "a still of each stream for the console")),
    ];

    private static IEnumerable<SettingKey> Feature(string feature, params Func<string, SettingKey>[] keys) => keys.Select(k => k(feature));

    private static Func<string, SettingKey> Key<T>(string name, T value, string why, bool restart = false, bool secret = false,
        SettingUnit unit = SettingUnit.None, string? least = null, string? most = null) =>
        feature => New(name, Shape.Of(typeof(T), unit, least, most), value, why, feature, restart, secret);

    private static SettingKey New(string name, Shape shape, object? value, string why, string feature, bool restart, bool secret) => new()
    {
        Name = name,
        Shape = shape,
        Default = value,
        Why = why,
        Planned = feature,
        NeedsRestart = restart,
        Secret = secret,
    };
}
