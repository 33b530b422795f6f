using XLive.Server.Access;
using XLive.Server.Settings;

namespace XLive.Server.Playback.Vod.Cache;

public sealed class CacheOptions : ICheckedOptions
{
    [Setting("cache.rules", "how long what is kept, by path pattern: {match, ttl, stale, store}")]
    public List<CacheRule> Rules { get; set; } = [];

    public void Check(Action<string, string> fault)
    {
        for (var i = 0; i < Rules.Count; i++)
        {
            var rule = Rules[i];
            if (PathPattern.Fault(rule.Match) is { } wrong)
                fault($"cache.rules[{i}].match", $"'{rule.Match}' {wrong}");
            if (rule.Ttl < TimeSpan.Zero)
                fault($"cache.rules[{i}].ttl", "must not be negative");
            if (rule.Stale < TimeSpan.Zero)
                fault($"cache.rules[{i}].stale", "must not be negative");
            if (rule.Store == StoreIn.Disk)
                fault($"cache.rules[{i}].store", "'disk' is not built yet; this version keeps in 'memory' or not at all, 'none'");
        }
    }
}

/// <summary>The first rule that matches a path counts. What it leaves out stays as the origin says.</summary>
public sealed class CacheRule
{
    [SettingField(Required = true)]
    public string Match { get; set; } = "";

    public TimeSpan? Ttl { get; set; }

    public TimeSpan? Stale { get; set; }

    public StoreIn Store { get; set; }
}

public enum StoreIn { Memory, Disk, None }
