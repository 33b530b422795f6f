using XLive.Server.Settings;

namespace XLive.Server.Limits;

public sealed class LimitOptions : ICheckedOptions
{
    private const string LoginsKey = "limits.logins", ConnectionsKey = "limits.connections";

    [Setting("limits.publishes", "publish attempts: {window, count, burst, by: ip, uid, stream or all}; uid and stream count those whose key was right; off")]
    public List<RateLimit> Publishes { get; set; } = [];

    [Setting("limits.requests", "{window, count, burst, by: ip, uid, stream or all}; off, for CGNAT puts thousands behind one address")]
    public List<RateLimit> Requests { get; set; } = [];

    [Setting(ConnectionsKey, "of media: {count, by: ip, uid, stream or all} open at a time; with {window, burst} new ones in a window; off")]
    public List<ConnectionLimit> Connections { get; set; } = [];

    [Setting("limits.bytes_per_second", "what all of an address, viewer or stream take together: {count, burst, window, by}; slowed down, not cut; off")]
    public List<ByteLimit> BytesPerSecond { get; set; } = [];

    [Setting(LoginsKey, "wrong sign-ins of an address, and of one address at an account that is under attack: {window, count, burst}; an empty list turns it off")]
    public List<RateLimit> Logins { get; set; } = [new() { Count = 10, Window = TimeSpan.FromMinutes(1) }];

    public void Check(Action<string, string> fault)
    {
        for (var i = 0; i < Connections.Count; i++)
        {
            if (Connections[i] is { IsOfOpen: true, Burst: not 0 })
                fault($"{ConnectionsKey}[{i}].burst", "needs a window: of those that are open count is the most");
        }
        if (Logins.Count > 1)
            fault(LoginsKey, "is one limit, not several");
        if (Logins is [{ By: not LimitBy.Ip }, ..])
            fault(LoginsKey + "[0].by", "is ip: whoever could shut out an account would do it to its owner");
    }
}
