using XLive.Server.Settings;

namespace XLive.Server.Traffic.Quotas;

public enum OverQuota { Cut, Throttle }

/// <summary>How much a user may take in a period.</summary>
public sealed class Quota
{
    [SettingField(Required = true, Unit = SettingUnit.Bytes, Bare = true)]
    public long Bytes { get; set; }

    /// <summary>Counted from 1970-01-01 00:00 UTC on: 1d are UTC days, 1h full hours.</summary>
    [SettingField(Least = "1m")]
    public TimeSpan Period { get; set; } = TimeSpan.FromDays(30);

    public OverQuota Over { get; set; }

    /// <summary>A second, for all that a throttled user plays together.</summary>
    [SettingField(Unit = SettingUnit.Bytes, Least = "1KiB")]
    public long Rate { get; set; } = 64 * 1024;
}

public sealed class QuotaOptions : ICheckedOptions
{
    [Setting("traffic.quota", "bytes a user may take in a period: a size, or {bytes, period, over: cut or throttle, rate}; empty: no limit")]
    public List<Quota> Quotas { get; set; } = [];

    internal Quota? Quota => Quotas.Count > 0 ? Quotas[0] : null;

    public void Check(Action<string, string> fault)
    {
        if (Quotas.Count > 1)
            fault("traffic.quota", "is one quota, for every user; the receiver of the reports may give a user his own");
    }
}
