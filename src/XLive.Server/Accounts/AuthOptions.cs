using System.Net;
using XLive.Server.Door.Clients;
using XLive.Server.Settings;

namespace XLive.Server.Accounts;

public sealed class AuthOptions : ICheckedOptions
{
    [Setting("auth.enable", "false: publishing and management need no login from open_to; signed URLs stay", NeedsRestart = true)]
    public bool Enable { get; set; } = true;

    [Setting("auth.open_to", "Who needs no login with enable: false; loopback, so that a forgotten switch opens nothing to the network")]
    public List<string> OpenTo { get; set; } = ["127.0.0.0/8", "::1/128"];

    [Setting("auth.admin_password", "The admin's password at each start; empty: the one in the database, or a one-time link",
        Secret = true, NeedsRestart = true)]
    public string AdminPassword { get; set; } = "";

    [Setting("auth.token_lifetime", "How long an access token is good; short, since a copied one works until then", Unit = SettingUnit.Duration)]
    public TimeSpan TokenLifetime { get; set; } = TimeSpan.FromMinutes(15);

    [Setting("auth.refresh_lifetime", "How long a console may be closed and still be signed in", Unit = SettingUnit.Duration)]
    public TimeSpan RefreshLifetime { get; set; } = TimeSpan.FromDays(30);

    [Setting("auth.jwks_url", "Public keys of another issuer, https: its JWTs count as access tokens; empty: our own alone", NeedsRestart = true)]
    public string JwksUrl { get; set; } = "";

    [Setting("auth.issuer", "The iss that its tokens must have, exactly", NeedsRestart = true)]
    public string Issuer { get; set; } = "";

    [Setting("auth.audience", "The aud that its tokens must have: they are meant for this server and no other", NeedsRestart = true)]
    public string Audience { get; set; } = "";

    public void Check(Action<string, string> fault)
    {
        foreach (string network in OpenTo)
        {
            if (CidrSet.Fault(network) is { } why)
            {
                fault("auth.open_to", why);
            }
        }
        if (TokenLifetime < TimeSpan.FromSeconds(10) || TokenLifetime > TimeSpan.FromDays(1))
        {
            fault("auth.token_lifetime", "must be between 10 s and 1 d");
        }
        if (RefreshLifetime < TokenLifetime || RefreshLifetime > TimeSpan.FromDays(3650))
        {
            fault("auth.refresh_lifetime", "must be longer than auth.token_lifetime and shorter than ten years");
        }
        if (AdminPassword.Length > Passwords.Longest)
        {
            fault("auth.admin_password", $"must be shorter than {Passwords.Longest} characters");
        }
        CheckIssuer(fault);
    }

    private void CheckIssuer(Action<string, string> fault)
    {
        foreach ((string key, string value, string without) in ((string, string, string)[])[
            ("auth.issuer", Issuer, "whoever has keys there could sign for anybody"),
            ("auth.audience", Audience, "a token made for another service would open this one")])
        {
            if (JwksUrl.Length > 0 && value.Length == 0)
            {
                fault(key, $"is needed with auth.jwks_url: without it {without}");
            }
            else if (JwksUrl.Length == 0 && value.Length > 0)
            {
                fault(key, "says nothing without auth.jwks_url, where the issuer's keys are");
            }
        }
        if (JwksUrl.Length == 0)
        {
            return;
        }
        if (!Uri.TryCreate(JwksUrl, UriKind.Absolute, out Uri? url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
        {
            fault("auth.jwks_url", "must be an https URL");
        }
        else if (url.Scheme == "http" && !IsThisMachine(url))
        {
            fault("auth.jwks_url", "must be https: whoever stands between could put his own keys there");
        }
        else if (url.UserInfo.Length > 0)
        {
            fault("auth.jwks_url", "must not carry a user or a password; these keys are public");
        }
    }

    private static bool IsThisMachine(Uri url) =>
        url.Host == "localhost" || (IPAddress.TryParse(url.Host.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address));
}
