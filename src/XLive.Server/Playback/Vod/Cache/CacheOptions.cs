using XLive.Server.Access;
using XLive.Server.Settings;

namespace XLive.Server.Playback.Vod.Cache;

public sealed class CacheOptions : ICheckedOptions
{
    // Its folders alone take a mebibyte.
    private const long LeastDisk = 16 << 20;

    [Setting("cache.disk", "origin responses on disk; 0 turns it off", Unit = SettingUnit.Bytes, NeedsRestart = true)]
    public long Disk { get; set; }

    [Setting("cache.dir", "where; without it below data.dir", NeedsRestart = true)]
    public string? Dir { get; set; }

    [Setting("cache.rules", "how long what is kept, by path pattern: {match, ttl, stale, store}")]
    public List<CacheRule> Rules { get; set; } = [];

    public void Check(Action<string, string> fault)
    {
        if (Disk != 0 && Disk < LeastDisk)
            fault("cache.disk", "must be 0 or at least 16MiB");
        for (var i = 0; i < Rules.Count; i++)
        {
            var rule = Rules[i];
            if (PathPattern.Fault(rule.Match) is { } wrong)
                fault($"cache.rules[{i}].match", $"'{rule.Match}' {wrong}");
            if (rule.Ttl < TimeSpan.Zero)
                fault($"cache.rules[{i}].ttl", "must not be negative");
            if (rule.Stale < TimeSpan.Zero)
                fault($"cache.rules[{i}].stale", "must not be negative");
            if (rule.Store == StoreIn.Disk && Disk == 0)
                fault($"cache.rules[{i}].store", "'disk' needs cache.disk, which is 0");
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

    public StoreIn? Store { get; set; }
}

/// <summary>Left out, on disk too when it is worth it; Disk: from the first; Memory: there alone.</summary>
public enum StoreIn { Memory, Disk, None }
