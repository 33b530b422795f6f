using XLive.Server.Settings;

namespace XLive.Server.Limits;

public enum LimitBy { Ip, Uid, Stream, All }

/// <summary>An entry of limits.*: so many in a window, and once in a while a burst beyond.</summary>
public sealed record RateLimit
{
    [SettingField(Least = "1ms", Most = "1d")]
    public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(1);

    [SettingField(Required = true, Least = "1")]
    public int Count { get; set; }

    public int Burst { get; set; }

    public LimitBy By { get; set; }
}
