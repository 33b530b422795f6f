using XLive.Server.Settings;

namespace XLive.Server.Limits;

/// <summary>An entry of limits.bytes_per_second.</summary>
public sealed record ByteLimit
{
    [SettingField(Required = true, Unit = SettingUnit.Bytes, Least = "1KiB")]
    public long Count { get; set; }

    [SettingField(Unit = SettingUnit.Bytes)]
    public long Burst { get; set; }

    [SettingField(Least = "1ms", Most = "1d")]
    public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(1);

    public LimitBy By { get; set; }

    public long PerSecond => Math.Max(1, (long)(Count / Window.TotalSeconds));
}
