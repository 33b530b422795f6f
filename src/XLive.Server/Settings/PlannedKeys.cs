namespace XLive.Server.Settings;

/// <summary>
/// The keys whose part is not built yet: known, checked and documented like the others, so that a configuration written today
/// stays right. Whoever builds the part writes its options class and takes the lines out here.
/// </summary>
internal static class PlannedKeys
{
    private const SettingUnit Bytes = SettingUnit.Bytes;
    private const long MiB = 1 << 20;

    public static IReadOnlyList<SettingKey> All { get; } =
    [
        .. Feature("RTMP",
            Port("rtmp.port", 1935, "live ingest and RTMP play; 0 turns it off"),
            Port("rtmps.port", 0, "the same over TLS; 0 turns it off")),
        .. Feature("cache",
            Key("cache.disk", 0L, "origin responses on disk; 0 turns it off", unit: Bytes),
            Optional("cache.dir", "where; without it below data.dir", restart: true)),
        .. Feature("accounts",
            Optional("auth.jwks_url", "public keys of another issuer whose JWTs count too"),
            Optional("auth.issuer", "the iss they must have"),
            Optional("auth.audience", "the aud they must have")),
        .. Feature("limits",
            Key("limits.requests", NoLimits, "{window, count, burst, by: ip, uid, stream or all}; off, for CGNAT puts thousands behind one address"),
            Key("limits.connections", NoLimits, "connections open at a time, the same form; off"),
            Key("limits.publishes", NoLimits, "publish attempts; off"),
            Key("limits.logins", new List<PlannedShapes.Limit> { new() { Count = 10, Window = TimeSpan.FromMinutes(1) } }, "login attempts"),
            Key("limits.bytes_per_second", new List<PlannedShapes.ByteLimit>(), "{count, burst, by}, sizes; off")),
        .. Feature("live",
            Key("live.segment_seconds", 4.0, "a segment ends at the first keyframe after this", least: "0.5", most: "60"),
            Key("live.window", 6, "segments in a playlist", least: "3", most: "10000"),
            Key("live.part_ms", 500, "an LL-HLS part, milliseconds", least: "100", most: "5000"),
            Key("live.low_latency", true, "offer LL-HLS"),
            Choice("live.container", "of HLS segments", "fmp4", "ts", "both"),
            Key("live.idle_timeout", Seconds(300), "an on-demand stream nobody watches ends after this"),
            Key("live.reconnect_grace", Seconds(30), "a publisher that comes back in time continues its stream"),
            Choice("live.takeover", "a second publisher of a name is refused, or ends the first", "reject", "replace"),
            Key("live.gop_cache", true, "FLV and RTMP viewers start at the last keyframe"),
            Key<long?>("live.send_batch", null, "bytes gathered into one send to a viewer", unit: Bytes),
            Key("live.memory_per_stream", 64 * MiB, "frames and segments held of one stream", unit: Bytes, least: "1MiB"),
            Key("live.thumbnails", true, "a still of each stream for the console"),
            Key("live.ladder", new List<PlannedShapes.Rung>(), "renditions to make: {name, height, video_bitrate, audio_bitrate}"),
            Key("live.forward", new List<PlannedShapes.Relay>(), "streams pushed on: {stream: app/name or pattern, url}"),
            Key("live.pull", new List<PlannedShapes.Relay>(), "streams fetched: {stream: app/name, url, on_demand}")),
        .. Feature("hooks",
            Optional("hooks.url", "events are posted here, decisions asked"),
            Secret("hooks.secret", "signs what is posted"),
            Key("hooks.events", NoTexts, "which; empty is all"),
            Key("hooks.timeout", Seconds(5), "for an answer", least: "1ms"),
            Choice("hooks.on_silence", "what no answer to a question means", "allow", "deny")),
        .. Feature("telemetry",
            Optional("telemetry.otlp_endpoint", "where metrics and traces are sent", restart: true)),
    ];

    private static List<string> NoTexts => [];

    private static Dictionary<string, List<string>> NoTextLists => [];

    private static List<PlannedShapes.Limit> NoLimits => [];

    private static IEnumerable<SettingKey> Feature(string feature, params Func<string, SettingKey>[] keys) => keys.Select(k => k(feature));

    private static Func<string, SettingKey> Key<T>(string name, T value, string why, bool restart = false, bool secret = false,
        SettingUnit unit = SettingUnit.None, string? least = null, string? most = null) =>
        feature => New(name, Shape.Of(typeof(T), unit, least, most), value, why, feature, restart, secret);

    private static Func<string, SettingKey> Port(string name, int value, string why) => Key(name, value, why, restart: true, most: "65535");

    private static Func<string, SettingKey> Optional(string name, string why, bool restart = false) =>
        feature => New(name, Shape.Of(typeof(string), optional: true), null, why, feature, restart, false);

    private static Func<string, SettingKey> Secret(string name, string why, bool restart = false) =>
        feature => New(name, Shape.Of(typeof(string), optional: true), null, why, feature, restart, true);

    private static Func<string, SettingKey> Choice(string name, string why, params string[] choices) =>
        feature => New(name, Shape.OfChoices(choices), choices[0], why, feature, false, false);

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

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);

    private static TimeSpan Days(int days) => TimeSpan.FromDays(days);
}
