using XLive.Server.Settings;

namespace XLive.Server.Tests.Settings;

public sealed class KeyTests : IDisposable
{
    // The settings table of the contract with the outside; `key=default` where it names one.
    private const string Contract = """
        server.host=* server.port=7889 hls.port=3001 admin.port=0 admin.allow=[] server.public_url=[] server.drain_timeout=30s
        server.keepalive_timeout=75s server.header_timeout=10s server.max_connections server.secret rtmp.port=1935 rtmps.port=0
        tls.certificate tls.key tls.port=0 tls.redirect=false data.dir=data log.level=info log.dir=logs log.format=text log.max_size
        log.max_files privacy.ip=full backend.mode=filesystem backend.filesystem.root=media backend.filesystem.sendfile=true
        backend.filesystem.links=inside backend.host backend.port backend.use_https backend.ssl_verify=true backend.host_header
        backend.headers backend.origins backend.balance=first backend.connector_limit=100 backend.connector_limit_per_host=30
        backend.keepalive_timeout=60s backend.connect_timeout=5s backend.total_timeout=60s backend.idle_timeout=10s
        backend.http2=auto backend.retries=2 backend.buffer_size=auto cache.memory=256MiB cache.disk=0 cache.dir cache.rules
        access.enable=true access.keys access.secret access.max_lifetime=7d access.clock_skew=30s access.bind_ip=off
        access.allow=[] access.deny access.public access.trusted access.trusted_proxies access.clients access.referers
        sessions.idle=600s sessions.lease=60s sessions.max_lifetime=24h sessions.max_per_user=0 sessions.on_limit=reject
        redis.url redis.host redis.port redis.db redis.password database.url traffic.enable=true traffic.report_url traffic.api_key
        traffic.report_interval=300s traffic.min_bytes=1048576 traffic.accumulator_timeout=600s traffic.history traffic.long_term_timeout=1800s
        traffic.quota auth.enable=true auth.open_to auth.admin_password auth.token_lifetime=15m auth.refresh_lifetime=30d
        auth.jwks_url auth.issuer auth.audience limits.requests limits.connections limits.publishes limits.logins
        limits.bytes_per_second live.apps=[live,wida] live.segment_seconds=4 live.window=6 live.part_ms=500 live.low_latency=true
        live.container=fmp4 live.idle_timeout=300s live.reconnect_grace=30s live.takeover=reject live.gop_cache=true
        live.send_batch=auto live.memory_per_stream=64MiB live.thumbnails=true live.ladder live.forward live.pull hooks.url
        hooks.secret hooks.events hooks.timeout hooks.on_silence=allow telemetry.otlp_endpoint cors.origins
        network.congestion=auto network.nodelay=true network.send_idle_timeout=60s
        """;

    // Of a proxy's byte log the contract says that it is read, and not where it lies; of telemetry where it goes, and not as whom.
    private static readonly string[] s_beyond = ["traffic.proxy_logs", "telemetry.otlp_headers", "telemetry.otlp_interval", "telemetry.streams"];

    private static readonly SettingKeys Server = SettingKeys.Of(SettingKeys.OptionTypesOf(typeof(ServerSettings).Assembly));

    private readonly SettingsFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_server_knows_the_keys_of_the_contract_and_no_others_and_their_defaults()
    {
        var contract = Contract.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(e => e.Split('=')).ToList();
        Assert.Equal(contract.Select(e => e[0]).Concat(s_beyond).Order(), Server.All.Select(k => k.Name).Order());
        foreach (var entry in contract.Where(e => e.Length == 2))
        {
            var key = Server.Find(entry[0], out _)!;
            // Written as an option, the contract's default must be what holds without one.
            var written = ServerSettings.Load(_folder.Input($"--{entry[0]}={entry[1]}")).Describe().Single(d => d.Key == key.Name);
            Assert.Equal((key.Name, written.Default), (key.Name, written.Value));
        }
    }

    [Fact]
    public void The_variable_is_the_path_in_capitals_and_no_two_keys_share_one()
    {
        Assert.Equal("XLIVE_BACKEND_FILESYSTEM_ROOT", Server.Find("backend.filesystem.root", out _)!.Variable);
        Assert.Equal(Server.Variables.Count(), Server.Variables.Distinct().Count());
        Assert.Equal(Server.OptionNames.Count() + 1, Server.Variables.Count());
        Assert.Throws<InvalidOperationException>(() => SettingKeys.Of([typeof(SharesVariable)]));
    }

    [Fact]
    public void A_built_key_has_no_line_among_the_planned_ones()
    {
        var built = SettingKeys.OptionTypesOf(typeof(ServerSettings).Assembly).SelectMany(SettingKeys.KeysOf).Select(k => k.Name);
        Assert.Empty(built.Intersect(PlannedKeys.All.Select(k => k.Name)));
    }

    [Fact]
    public void A_real_key_wins_over_the_planned_one()
    {
        Assert.Null(SettingKeys.Of([typeof(OtherOptions)]).Find("rtmp.port", out _)!.Planned);
        Assert.Empty(_folder.Load("--rtmp.port=1").Warnings);
    }

    [Fact]
    public void Mistakes_of_the_programmer_stop_at_once()
    {
        Assert.Throws<InvalidOperationException>(() => SettingKeys.Of([typeof(OtherOptions), typeof(SameKey)]));
        Assert.Throws<InvalidOperationException>(() => SettingKeys.Of([typeof(KeyAndSection)]));
        Assert.Throws<InvalidOperationException>(() => SettingKeys.Of([typeof(NoSection)]));
        Assert.Throws<NotSupportedException>(() => SettingKeys.Of([typeof(OddType)]));
        Assert.Throws<NotSupportedException>(() => SettingKeys.Of([typeof(OddBound)]));
        Assert.Throws<InvalidOperationException>(() => _folder.Load().Of<SameKey>());
    }

    [Fact]
    public void Planned_keys_are_checked_like_real_ones_and_named_in_one_warning()
    {
        _folder.Write("conf.yaml", "live:\n  thumbnails: false\n");
        var warning = Assert.Single(_folder.Load().Warnings);
        Assert.Contains("live.thumbnails (live)", warning, StringComparison.Ordinal);
        Assert.Contains("one of off, prefix, exact", Assert.Single(ServerFaults("--access.bind_ip=some")), StringComparison.Ordinal);
        Assert.Contains("the least is 1ms", Assert.Single(ServerFaults("--hooks.timeout=0")), StringComparison.Ordinal);
        Assert.Contains("nearest is by", Assert.Single(ServerFaults("--limits.logins={count: 1, bye: ip}")), StringComparison.Ordinal);
        Assert.Contains("has no id", Assert.Single(ServerFaults("--access.keys=[{secret: x}]")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NotBefore", "not_before")]
    [InlineData("Id", "id")]
    [InlineData("Fmp4", "fmp4")]
    [InlineData("OtlpURL", "otlp_url")]
    [InlineData("HTTPPort", "http_port")]
    public void Names_in_snake_case(string name, string snake) => Assert.Equal(snake, Shape.Snake(name));

    private string[] ServerFaults(params string[] args)
    {
        var faults = Assert.Throws<SettingsException>(() =>
            ServerSettings.Load(new SettingsInput { Args = args, WorkingDirectory = "/", SystemFile = "/nowhere/conf.yaml" })).Faults;
        return [.. faults.Select(f => f.ToString())];
    }

    public sealed class SharesVariable
    {
        [Setting("twin.a_b", "")]
        public int One { get; set; }

        [Setting("twin.a.b", "")]
        public int Other { get; set; }
    }

    public sealed class SameKey
    {
        [Setting("other.name", "")]
        public string Name { get; set; } = "";
    }

    public sealed class KeyAndSection
    {
        [Setting("twin.a", "")]
        public int One { get; set; }

        [Setting("twin.a.b", "")]
        public int Other { get; set; }
    }

    public sealed class NoSection
    {
        [Setting("twin", "")]
        public int One { get; set; }
    }

    public sealed class OddType
    {
        [Setting("odd.type", "")]
        public Stream? One { get; set; }
    }

    public sealed class OddBound
    {
        [Setting("odd.bound", "", Least = "x")]
        public int One { get; set; }
    }
}
