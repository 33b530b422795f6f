using XLive.Server.Settings;

namespace XLive.Server.Limits;

public sealed class LimitOptions
{
    [Setting("limits.publishes", "publish attempts: {window, count, burst, by: ip, uid, stream or all}; uid and stream count those whose key was right; off")]
    public List<RateLimit> Publishes { get; set; } = [];
}
