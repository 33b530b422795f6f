using XLive.Server.Door.Clients;
using XLive.Server.Settings;

namespace XLive.Server.Door;

public sealed class DoorOptions : ICheckedOptions
{
    [Setting("server.host", "address to listen on; * is every IPv4 and IPv6 address", NeedsRestart = true)]
    public string Host { get; set; } = "*";

    [Setting("server.port", "the HTTP port: delivery, API, console", NeedsRestart = true)]
    public int Port { get; set; } = 7889;

    [Setting("hls.port", "a second HTTP port that answers the same; 0 turns it off", NeedsRestart = true)]
    public int HlsPort { get; set; } = 3001;

    [Setting("admin.port", "console, API, health details and metrics answer here only, and no media does; 0: on every HTTP port", NeedsRestart = true)]
    public int AdminPort { get; set; }

    [Setting("admin.allow", "CIDRs of clients that reach console, API, health details and metrics at all; empty is everybody")]
    public List<string> AdminAllow { get; set; } = [];

    [Setting("server.public_url", "the URLs under which viewers reach this server; playlists that name these hosts are rewritten like relative ones", NeedsRestart = true)]
    public List<string> PublicUrl { get; set; } = [];

    [Setting("server.drain_timeout", "how long SIGTERM waits for running transfers", Unit = SettingUnit.Duration, NeedsRestart = true)]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(30);

    [Setting("server.keepalive_timeout", "an idle connection is closed after it; nginx has the same 75 s", Unit = SettingUnit.Duration, NeedsRestart = true)]
    public TimeSpan KeepaliveTimeout { get; set; } = TimeSpan.FromSeconds(75);

    [Setting("server.header_timeout", "time for a request's head to come in", Unit = SettingUnit.Duration, NeedsRestart = true)]
    public TimeSpan HeaderTimeout { get; set; } = TimeSpan.FromSeconds(10);

    [Setting("server.max_connections", "connections at once; auto: what the limit of open files leaves", NeedsRestart = true)]
    public int? MaxConnections { get; set; }

    [Setting("cors.origins", "origins whose pages may call the API with a login; media answers every origin")]
    public List<string> CorsOrigins { get; set; } = [];

    internal IEnumerable<Uri> HttpsUrls => PublicUrl.Select(u => new Uri(u)).Where(u => u.Scheme == Uri.UriSchemeHttps);

    public void Check(Action<string, string> fault)
    {
        if (Host is not ("*" or "localhost") && !System.Net.IPAddress.TryParse(Host, out _))
            fault("server.host", $"'{Host}' is neither *, localhost nor an IP address");
        if (Port is < 0 or > 65535)
            fault("server.port", "must be between 0 and 65535");
        if (HlsPort is < 0 or > 65535)
            fault("hls.port", "must be between 0 and 65535");
        if (AdminPort is < 0 or > 65535)
            fault("admin.port", "must be between 0 and 65535");
        if (AdminPort != 0 && (AdminPort == Port || AdminPort == HlsPort))
            fault("admin.port", "must be a port of its own, not server.port or hls.port");
        foreach (var entry in AdminAllow)
        {
            if (CidrSet.Fault(entry) is { } why)
                fault("admin.allow", why);
        }
        if (MaxConnections < 1)
            fault("server.max_connections", "must be at least 1");
        if (DrainTimeout < TimeSpan.Zero || DrainTimeout > TimeSpan.FromHours(24))
            fault("server.drain_timeout", "must be between 0 and 24h");
        if (KeepaliveTimeout <= TimeSpan.Zero)
            fault("server.keepalive_timeout", "must be more than 0");
        if (HeaderTimeout <= TimeSpan.Zero)
            fault("server.header_timeout", "must be more than 0");
        foreach (var url in PublicUrl)
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https"))
                fault("server.public_url", $"'{url}' is not an http or https URL");
        }
    }
}
