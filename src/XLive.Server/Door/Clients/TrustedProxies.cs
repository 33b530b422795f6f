using XLive.Server.Settings;

namespace XLive.Server.Door.Clients;

public sealed class ProxyOptions : ICheckedOptions
{
    [Setting("access.trusted_proxies", "CIDRs of proxies whose X-Forwarded-For, X-Forwarded-Proto and PROXY header count; no network that viewers are in")]
    public List<string> Trusted { get; set; } = [];

    public void Check(Action<string, string> fault)
    {
        foreach (var entry in Trusted)
        {
            if (CidrSet.Fault(entry) is { } why)
                fault("access.trusted_proxies", why);
        }
    }
}

/// <summary>Whose word about a client's address counts, as the settings have it now. A new set is another object: what was remembered under the old one shows.</summary>
public sealed class TrustedProxies
{
    private volatile CidrSet _networks;

    public TrustedProxies(ServerSettings settings)
    {
        _networks = CidrSet.Of(settings.Of<ProxyOptions>().Trusted);
        settings.Changed += changed =>
        {
            if (changed.Contains("access.trusted_proxies"))
                _networks = CidrSet.Of(settings.Of<ProxyOptions>().Trusted);
        };
    }

    public CidrSet Networks => _networks;
}
