using XLive.Server.Door;
using XLive.Server.Door.Clients;
using XLive.Server.Sessions;
using XLive.Server.Settings;

namespace XLive.Server.Access;

public sealed class AccessOptions : ICheckedOptions
{
    [Setting("access.enable", "signed URLs are asked for; false lets everybody play everything, and takes the uid parameter as given")]
    public bool Enable { get; set; } = true;

    [Setting("access.keys", "signing keys: {id, secret or secret_file, not_before, not_after}")]
    public List<AccessKey> Keys { get; set; } = [];

    [Setting("access.secret", "the signing key with id \"\"; at least 16 bytes. Without it the server makes one in data/keys", Secret = true)]
    public string Secret { get; set; } = "";

    [Setting("access.max_lifetime", "the longest a signed URL may still run; 0: any", Unit = SettingUnit.Duration)]
    public TimeSpan MaxLifetime { get; set; } = TimeSpan.FromDays(7);

    [Setting("access.clock_skew", "how far the signer's clock may be off", Unit = SettingUnit.Duration)]
    public TimeSpan ClockSkew { get; set; } = TimeSpan.FromSeconds(30);

    [Setting("access.bind_ip", "binds a session to the address, or the /24 or /64, that opened it")]
    public AddressBinding BindIp { get; set; }

    [Setting("access.allow", "CIDRs that get in at all; empty is everybody; the longest prefix decides")]
    public List<string> Allow { get; set; } = [];

    [Setting("access.deny", "CIDRs that do not; wins a tie")]
    public List<string> Deny { get; set; } = [];

    [Setting("access.public", "path patterns that need no token: * within a segment, ** across")]
    public List<string> Public { get; set; } = [];

    [Setting("access.trusted", "CIDRs that need no token")]
    public List<string> Trusted { get; set; } = [];

    [Setting("access.clients", "what each kind of client may fetch, as path patterns: {download_tool: [], bot: [/public/**]}; a kind not named: all")]
    public Dictionary<string, List<string>> Clients { get; set; } = [];

    [Setting("access.referers", "which pages may embed, by path pattern, in nginx's words: {/films/**: [none, example.com]}; all by default")]
    public Dictionary<string, List<string>> Referers { get; set; } = [];

    public void Check(Action<string, string> fault)
    {
        if (MaxLifetime < TimeSpan.Zero)
            fault("access.max_lifetime", "must not be negative");
        if (ClockSkew < TimeSpan.Zero || ClockSkew > TimeSpan.FromHours(1))
            fault("access.clock_skew", "must be between 0 and 1h");
        CheckCidrs("access.allow", Allow, fault);
        CheckCidrs("access.deny", Deny, fault);
        CheckCidrs("access.trusted", Trusted, fault);
        CheckPatterns("access.public", Public, fault);
        foreach (var (kind, patterns) in Clients)
        {
            if (!AccessRules.TryKind(kind, out _))
                fault("access.clients", $"'{kind}' is no kind of client; the kinds are browser, player, download_tool, bot and unknown");
            CheckPatterns("access.clients", patterns, fault);
        }
        foreach (var (pattern, pages) in Referers)
        {
            CheckPatterns("access.referers", [pattern], fault);
            Try("access.referers", fault, () => _ = new RefererRule(pages));
        }
        if (Secret.Length > 0)
            Try("access.secret", fault, () => _ = new SigningKey("", System.Text.Encoding.UTF8.GetBytes(Secret)));
        for (var i = 0; i < Keys.Count; i++)
        {
            var key = Keys[i];
            Try($"access.keys[{i}].secret", fault, () => _ = key.ToKey());
        }
        if (Keys.GroupBy(k => k.Id).FirstOrDefault(g => g.Count() > 1) is { } twice)
            fault("access.keys", $"two keys have the id '{twice.Key}'");
        if (Secret.Length > 0 && Keys.Any(k => k.Id.Length == 0))
            fault("access.keys", "a key with the id \"\" is what access.secret is; give one of the two");
    }

    private static void CheckCidrs(string key, List<string> entries, Action<string, string> fault)
    {
        foreach (var entry in entries)
        {
            if (CidrSet.Fault(entry) is { } why)
                fault(key, why);
        }
    }

    private static void CheckPatterns(string key, List<string> patterns, Action<string, string> fault)
    {
        foreach (var pattern in patterns)
        {
            if (PathPattern.Fault(pattern) is { } why)
                fault(key, why);
        }
    }

    private static void Try(string key, Action<string, string> fault, Action build)
    {
        try
        {
            build();
        }
        catch (FormatException e)
        {
            fault(key, e.Message);
        }
    }
}

public enum AddressBinding { Off, Prefix, Exact }

public sealed class AccessKey
{
    [SettingField(Required = true)]
    public string Id { get; set; } = "";

    [SettingField(Required = true, Secret = true)]
    public string Secret { get; set; } = "";
    public DateTimeOffset? NotBefore { get; set; }
    public DateTimeOffset? NotAfter { get; set; }

    internal SigningKey ToKey() => new(Id, System.Text.Encoding.UTF8.GetBytes(Secret),
        NotBefore?.ToUnixTimeSeconds() ?? long.MinValue, NotAfter?.ToUnixTimeSeconds() ?? long.MaxValue);
}
