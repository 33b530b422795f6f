using System.Net;
using XLive.Server.Door;
using XLive.Server.Door.Clients;
using XLive.Server.Sessions;

namespace XLive.Server.Access;

/// <summary>Who may have what, compiled from the settings. Immutable: a reload makes a new one, and what was remembered under the old is asked again.</summary>
public sealed class AccessRules
{
    private readonly PathPatterns?[] _clients = new PathPatterns?[Enum.GetValues<ClientKind>().Length];
    private readonly (PathPattern Path, RefererRule Pages)[] _referers;

    public AccessRules(AccessOptions options, IEnumerable<SigningKey> keysOnDisk, IEnumerable<string> liveApps)
    {
        Enabled = options.Enable;
        BindIp = options.BindIp;
        Networks = CidrSet.Build(options.Allow, options.Deny);
        Trusted = CidrSet.Of(options.Trusted);
        Public = new PathPatterns(options.Public);
        Grants = new GrantRules((long)options.MaxLifetime.TotalSeconds, (long)options.ClockSkew.TotalSeconds, new LiveApps(liveApps));
        var keys = new List<SigningKey>();
        if (options.Secret.Length > 0)
            keys.Add(new SigningKey("", System.Text.Encoding.UTF8.GetBytes(options.Secret)));
        keys.AddRange(options.Keys.Select(k => k.ToKey()));
        // The settings win over keys that the server made itself.
        foreach (var key in keysOnDisk)
        {
            if (!keys.Any(k => k.Kid == key.Kid))
                keys.Add(key);
        }
        Keys = new SigningKeys(keys);
        foreach (var (name, patterns) in options.Clients)
        {
            if (TryKind(name, out var kind))
                _clients[(int)kind] = new PathPatterns(patterns);
        }
        _referers = [.. options.Referers.Select(r => (new PathPattern(r.Key), new RefererRule(r.Value)))];
        JudgesClients = options.Clients.Count > 0;
    }

    public bool Enabled { get; }
    public AddressBinding BindIp { get; }
    public CidrSet Networks { get; }
    public CidrSet Trusted { get; }
    public PathPatterns Public { get; }
    public GrantRules Grants { get; }
    public SigningKeys Keys { get; }
    public bool JudgesClients { get; }
    public bool JudgesPages => _referers.Length > 0;

    public bool Admits(IPAddress address) => Networks.Admits(address);

    public bool Admits(ClientKind kind, ReadOnlySpan<char> path) => _clients[(int)kind] is not { } patterns || patterns.Matches(path);

    /// <summary>The first pattern that a path matches decides, in the order of the settings.</summary>
    public bool AdmitsPage(ReadOnlySpan<char> path, ReadOnlySpan<char> referer)
    {
        foreach (var (pattern, pages) in _referers)
        {
            if (pattern.Matches(path))
                return pages.Allows(referer);
        }
        return true;
    }

    public static bool TryKind(string name, out ClientKind kind)
    {
        kind = name switch
        {
            "browser" => ClientKind.Browser,
            "player" => ClientKind.Player,
            "download_tool" => ClientKind.DownloadTool,
            "bot" => ClientKind.Bot,
            _ => ClientKind.Unknown,
        };
        return kind != ClientKind.Unknown || name == "unknown";
    }
}
