using XLive.Server.Settings;

namespace XLive.Server.Limits;

public sealed class LimitOptions : ICheckedOptions
{
    private const string LoginsKey = "limits.logins";

    [Setting("limits.publishes", "publish attempts: {window, count, burst, by: ip, uid, stream or all}; uid and stream count those whose key was right; off")]
    public List<RateLimit> Publishes { get; set; } = [];

    [Setting("limits.requests", "{window, count, burst, by: ip, uid, stream or all}; off, for CGNAT puts thousands behind one address")]
    public List<RateLimit> Requests { get; set; } = [];

    [Setting(LoginsKey, "wrong sign-ins of an address, and of one address at an account that is under attack: {window, count, burst}; an empty list turns it off")]
    public List<RateLimit> Logins { get; set; } = [new() { Count = 10, Window = TimeSpan.FromMinutes(1) }];

    public void Check(Action<string, string> fault)
    {
        if (Logins.Count > 1)
            fault(LoginsKey, "is one limit, not several");
        if (Logins is [{ By: not LimitBy.Ip }, ..])
            fault(LoginsKey + "[0].by", "is ip: whoever could shut out an account would do it to its owner");
    }
}
