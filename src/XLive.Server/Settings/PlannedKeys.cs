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
        .. Feature("server",
            Key("server.host", "*", "the address to listen on; * is all of IPv4 and IPv6", restart: true),
            Port("server.port", 7889, "the HTTP port: delivery, API, console"),
            Key("server.public_url", NoTexts, "this server's own URLs as viewers see them; such URIs in playlists become relative"),
            Key("server.drain_timeout", Seconds(30), "how long SIGTERM waits for responses in flight"),
            Key("server.keepalive_timeout", Seconds(75), "how long an idle HTTP connection stays; as nginx", restart: true),
            Key("server.header_timeout", Seconds(10), "how long a request's headers may take", restart: true),
            Key<int?>("server.max_connections", null, "auto: what the limit of open files allows", restart: true),
            Secret("server.secret", "shared by all nodes of one cluster; alone, one is made below data/keys", restart: true),
            Port("hls.port", 3001, "a second HTTP port that answers the same; 0 turns it off")),
        .. Feature("admin port",
            Port("admin.port", 0, "console, API, health details and metrics answer here only; 0: on every HTTP port"),
            Key("admin.allow", NoTexts, "CIDRs that reach them at all; empty is everybody")),
        .. Feature("RTMP",
            Port("rtmp.port", 1935, "live ingest and RTMP play; 0 turns it off"),
            Port("rtmps.port", 0, "the same over TLS; 0 turns it off")),
        .. Feature("TLS",
            Optional("tls.certificate", "PEM file of the certificate chain; a renewed file is picked up while running"),
            Optional("tls.key", "PEM file of its private key"),
            Port("tls.port", 0, "the HTTPS port, HTTP/1.1 and HTTP/2; 0 turns it off"),
            Key("tls.redirect", false, "send HTTP requests to HTTPS")),
        .. Feature("data",
            Key("data.dir", "data", "keys, database, spool, cache, recordings; one process at a time", restart: true)),
        .. Feature("logs",
            Choice("log.level", "the least that is written", "info", "debug", "trace", "warning", "error"),
            Key("log.dir", "logs", "xlive.log, access.log, error.log and audit.log stand here", restart: true),
            Choice("log.format", "lines for people or for machines", "text", "json"),
            Key("log.max_size", 64 * MiB, "a log file of this size is rolled", unit: Bytes),
            Key("log.max_files", 10, "rolled files kept of each log"),
            Choice("privacy.ip", "how much of a viewer's address gets into logs and reports", "full", "prefix", "none")),
        .. Feature("file back end",
            Choice("backend.mode", "where VOD comes from; hybrid: files first, what is not there from the origin", "filesystem", "http", "hybrid"),
            Key("backend.filesystem.root", "media", "the folder that is served"),
            Key("backend.filesystem.sendfile", true, "let the kernel send files; off for file systems that cannot"),
            Choice("backend.filesystem.links", "symlinks that leave the root are 404 unless any", "inside", "any")),
        .. Feature("HTTP origin",
            Optional("backend.host", "the origin's name or address"),
            Key<int?>("backend.port", null, "auto: 80, or 443 with use_https", most: "65535"),
            Key("backend.use_https", false, "speak TLS to the origin"),
            Key("backend.ssl_verify", true, "refuse an origin whose certificate does not hold"),
            Optional("backend.host_header", "the Host sent to the origin, where it is not its own name"),
            Key("backend.headers", new Dictionary<string, string>(), "headers added to origin requests; kept secret, for they often are", secret: true),
            Key("backend.origins", NoTexts, "several origins as URLs, instead of host and port"),
            Choice("backend.balance", "the first that answers, or the one with the fewest requests open", "first", "least_pending"),
            Key("backend.connector_limit", 100, "connections to all origins", least: "1"),
            Key("backend.connector_limit_per_host", 30, "connections to one origin", least: "1"),
            Key("backend.keepalive_timeout", Seconds(60), "how long an idle origin connection is kept"),
            Key("backend.connect_timeout", Seconds(5), "to connect, TLS included", least: "1ms"),
            Key("backend.total_timeout", Seconds(60), "to the response headers, retries included", least: "1ms"),
            Key("backend.idle_timeout", Seconds(10), "without a body byte while we read", least: "1ms"),
            Choice("backend.http2", "HTTP/2 to the origin", "auto", "on", "off"),
            Key("backend.retries", 2, "further tries of a request that got no answer"),
            Key<long?>("backend.buffer_size", null, "read buffer of an origin response", unit: Bytes, least: "4KiB")),
        .. Feature("cache",
            Key("cache.memory", 256 * MiB, "hot files and origin responses in memory; 0 turns it off", unit: Bytes),
            Key("cache.disk", 0L, "origin responses on disk; 0 turns it off", unit: Bytes),
            Optional("cache.dir", "where; without it below data.dir", restart: true),
            Key("cache.rules", new List<PlannedShapes.CacheRule>(), "how long what is kept, by path pattern: {match, ttl, stale, store}")),
        .. Feature("access",
            Key("access.enable", true, "signed URLs are asked for; false lets everybody play everything"),
            Key("access.keys", new List<PlannedShapes.SigningKey>(), "signing keys: {id, secret or secret_file, not_before, not_after}"),
            Secret("access.secret", "the signing key with id \"\"; at least 16 bytes"),
            Key("access.max_lifetime", Days(7), "the longest a signed URL may still run; 0: any"),
            Key("access.clock_skew", Seconds(30), "how far the signer's clock may be off"),
            Choice("access.bind_ip", "binds a session to the address, or the /24 or /64, that opened it", "off", "prefix", "exact"),
            Key("access.allow", NoTexts, "CIDRs that get in at all; empty is everybody; the longest prefix decides"),
            Key("access.deny", NoTexts, "CIDRs that do not; wins a tie"),
            Key("access.public", NoTexts, "path patterns that need no token: * within a segment, ** across"),
            Key("access.trusted", NoTexts, "CIDRs that need no token"),
            Key("access.trusted_proxies", NoTexts, "CIDRs whose X-Forwarded-For and PROXY header count"),
            Key("access.clients", NoTextLists, "what kinds of clients may fetch, as path patterns: {download_tool: [], bot: [/public/**]}; all by default"),
            Key("access.referers", NoTextLists, "which pages may embed, by path pattern: {/films/**: [example.com]}; all by default")),
        .. Feature("sessions",
            Key("sessions.idle", Seconds(600), "how long a session may come back"),
            Key("sessions.lease", Seconds(60), "how long a silent device counts"),
            Key("sessions.max_lifetime", Days(1), "then the grant is asked for again"),
            Key("sessions.max_per_user", 0, "devices of one uid at a time; 0: no limit"),
            Choice("sessions.on_limit", "the new device is refused, or the oldest one ends", "reject", "replace")),
        .. Feature("Redis",
            Secret("redis.url", "shared sessions, limits, revocations, streams; empty: all in this process", restart: true),
            Optional("redis.host", "instead of the URL", restart: true),
            Port("redis.port", 6379, "with redis.host"),
            Key("redis.db", 0, "the database's number", restart: true),
            Secret("redis.password", "with redis.host", restart: true)),
        .. Feature("database",
            Secret("database.url", "postgres://... for accounts, keys, history, audit; empty: SQLite in data.dir", restart: true)),
        .. Feature("traffic reports",
            Key("traffic.enable", true, "count and report what each uid took"),
            Optional("traffic.report_url", "where reports are posted; empty: counted, not sent"),
            Secret("traffic.api_key", "sent as X-API-Key, and signs the body"),
            Key("traffic.report_interval", Seconds(300), "one window of a report", least: "1s"),
            Key("traffic.min_bytes", MiB, "a uid with less waits", unit: Bytes),
            Key("traffic.accumulator_timeout", Seconds(600), "how long less than min_bytes stays in memory", least: "1s"),
            Key("traffic.long_term_timeout", Seconds(1800), "when it moves to the ledger at the latest", least: "1s"),
            Key("traffic.quota", new List<PlannedShapes.Quota>(), "bytes a user may take in a period: {bytes, period}")),
        .. Feature("accounts",
            Key("auth.enable", true, "false: management and publishing need no login from auth.open_to; signed URLs stay"),
            Key("auth.open_to", new List<string> { "127.0.0.0/8", "::1/128" }, "CIDRs that auth.enable: false opens to"),
            Secret("auth.admin_password", "of the user admin; without it the first start prints a one-time link"),
            Key("auth.token_lifetime", TimeSpan.FromMinutes(15), "of an access token", least: "1s"),
            Key("auth.refresh_lifetime", Days(30), "of a refresh token", least: "1s"),
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
            Key("live.apps", new List<string> { "live", "wida" }, "the first path segment of live streams"),
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
        .. Feature("CORS",
            Key("cors.origins", NoTexts, "pages of these origins may call; empty: * for media, none for the API")),
        .. Feature("network",
            Choice("network.congestion", "TCP congestion control of viewers' sockets; auto: bbr where the kernel has it", "auto", "bbr", "cubic", "system"),
            Key("network.nodelay", true, "TCP_NODELAY: parts and playlists leave at once"),
            Key("network.send_idle_timeout", Seconds(60), "a viewer who takes no byte for this long is let go", least: "1s")),
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
