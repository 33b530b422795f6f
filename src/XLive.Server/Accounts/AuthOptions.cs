using XLive.Server.Door;
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
    }
}
