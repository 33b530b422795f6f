using XLive.Server.Settings;

namespace XLive.Server.Traffic;

public sealed class ProxyLogOptions : ICheckedOptions
{
    [Setting("traffic.proxy_logs", "byte logs of proxy caches in front (docs/proxy-cache.md); rotated ones are looked for beside them", NeedsRestart = true)]
    public List<string> Logs { get; set; } = [];

    public void Check(Action<string, string> fault)
    {
        foreach (var log in Logs)
        {
            if (!Path.IsPathRooted(log) || Path.GetFileName(log).Length == 0)
                fault("traffic.proxy_logs", "must be whole paths of files");
        }
    }
}
