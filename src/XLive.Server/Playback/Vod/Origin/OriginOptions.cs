using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Settings;

namespace XLive.Server.Playback.Vod.Origin;

public enum OriginBalance { First, LeastPending }

public enum OriginHttp2 { Auto, On, Off }

public sealed class OriginOptions : ICheckedOptions, ICheckedTogether
{
    /// <summary>The set of origins already asked for one request is held in a word of bits.</summary>
    public const int MostOrigins = 32;

    [Setting("backend.host", "the origin's name or address", NeedsRestart = true)]
    public string? Host { get; set; }

    [Setting("backend.port", "auto: 80, or 443 with use_https", NeedsRestart = true, Most = "65535")]
    public int? Port { get; set; }

    [Setting("backend.use_https", "speak TLS to the origin", NeedsRestart = true)]
    public bool UseHttps { get; set; }

    [Setting("backend.ssl_verify", "refuse an origin whose certificate does not hold", NeedsRestart = true)]
    public bool SslVerify { get; set; } = true;

    [Setting("backend.host_header", "the Host sent to the origin, where it is not its own name; with TLS its certificate must be for it", NeedsRestart = true)]
    public string? HostHeader { get; set; }

    [Setting("backend.headers", "headers added to origin requests; kept secret, for they often are", Secret = true)]
    public Dictionary<string, string> Headers { get; set; } = [];

    [Setting("backend.origins", "several origins as URLs, instead of host and port", NeedsRestart = true)]
    public List<string> Origins { get; set; } = [];

    [Setting("backend.balance", "the first that answers, or the one with the fewest requests open")]
    public OriginBalance Balance { get; set; }

    [Setting("backend.connector_limit", "connections to all origins", NeedsRestart = true, Least = "1", Most = "100000")]
    public int ConnectorLimit { get; set; } = 100;

    [Setting("backend.connector_limit_per_host", "connections to one origin", NeedsRestart = true, Least = "1", Most = "100000")]
    public int ConnectorLimitPerHost { get; set; } = 30;

    [Setting("backend.keepalive_timeout", "how long an idle origin connection is kept", NeedsRestart = true)]
    public TimeSpan KeepaliveTimeout { get; set; } = TimeSpan.FromSeconds(60);

    [Setting("backend.connect_timeout", "to connect, TLS included", NeedsRestart = true, Least = "1ms", Most = "1h")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    [Setting("backend.total_timeout", "to the response headers, retries included", Least = "1ms", Most = "1h")]
    public TimeSpan TotalTimeout { get; set; } = TimeSpan.FromSeconds(60);

    [Setting("backend.idle_timeout", "without a body byte while we read", Least = "1ms", Most = "1h")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(10);

    [Setting("backend.http2", "HTTP/2 to the origin; auto: over TLS, for playlists and small files", NeedsRestart = true)]
    public OriginHttp2 Http2 { get; set; }

    [Setting("backend.retries", "further tries of a request that got no answer", Most = "100")]
    public int Retries { get; set; } = 2;

    [Setting("backend.buffer_size", "bytes of a reply that may wait unread: the socket's buffer, HTTP/2's window; auto: as the kernel finds, 1MiB",
        Unit = SettingUnit.Bytes, NeedsRestart = true, Least = "4KiB", Most = "16MiB")]
    public long? BufferSize { get; set; }

    internal bool IsSet => Origins.Count > 0 || !string.IsNullOrEmpty(Host);

    /// <summary>In the order of the settings; empty where there is none. Only of options that were checked.</summary>
    internal IReadOnlyList<OriginAddress> Addresses
    {
        get
        {
            if (Origins.Count > 0)
                return [.. Origins.Select(static o => OriginAddress.Parse(o, out _)!)];
            return string.IsNullOrEmpty(Host) ? [] : [OriginAddress.Of(Host, Port, UseHttps)!];
        }
    }

    public void Check(Action<string, string> fault)
    {
        var hasHost = !string.IsNullOrEmpty(Host);
        if (hasHost && Origins.Count > 0)
            fault("backend.host", "given beside backend.origins; only one of the two can hold");
        else if (hasHost && OriginAddress.Of(Host!, Port, UseHttps) is null)
            fault("backend.host", "is no name or address; a port stands in backend.port, https in backend.use_https, several hosts in backend.origins");
        if (!hasHost && Port is not null)
            fault("backend.port", Origins.Count > 0 ? "the URLs of backend.origins have their own" : "there is no backend.host for it");
        if (Port == 0)
            fault("backend.port", "is 0, and nothing listens there");
        if (!hasHost && UseHttps)
            fault("backend.use_https", Origins.Count > 0 ? "the URLs of backend.origins say it themselves" : "there is no backend.host for it");
        if (Origins.Count > MostOrigins)
            fault("backend.origins", $"names more than {MostOrigins}");
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < Origins.Count; i++)
        {
            if (OriginAddress.Parse(Origins[i], out var wrong) is not { } address)
                fault($"backend.origins[{i}]", wrong);
            else if (!names.Add(address.Base))
                fault($"backend.origins[{i}]", "is there already");
        }
        if (!string.IsNullOrEmpty(HostHeader) && !OriginAddress.IsHostHeader(HostHeader))
            fault("backend.host_header", "is no name or address, with a port or without");
        foreach (var (name, value) in Headers)
        {
            if (OriginFields.WhyNotOwn(name, value) is { } why)
                fault("backend.headers", why);
        }
        if (Headers.Keys.Distinct(StringComparer.OrdinalIgnoreCase).Count() < Headers.Count)
            fault("backend.headers", "has a name twice; case makes no other header");
    }

    public void CheckWith(IReadOnlyDictionary<Type, object> others, Action<string, string> fault)
    {
        if (others.TryGetValue(typeof(FolderOptions), out var folder) && ((FolderOptions)folder).Mode is not BackendMode.Filesystem and var mode && !IsSet)
            fault("backend.host", $"backend.mode is {mode.ToString().ToLowerInvariant()} and no origin is named, here or in backend.origins");
    }
}
