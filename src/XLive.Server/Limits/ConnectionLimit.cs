using XLive.Server.Settings;

namespace XLive.Server.Limits;

/// <summary>An entry of limits.connections: so many open at a time or, with a window, so many new ones in it.</summary>
public sealed record ConnectionLimit
{
    [SettingField(Required = true, Least = "1")]
    public int Count { get; set; }

    [SettingField(Most = "1d")]
    public TimeSpan Window { get; set; }

    public int Burst { get; set; }

    public LimitBy By { get; set; }

    internal bool IsOfOpen => Window == TimeSpan.Zero;

    internal RateLimit AsRate => new() { Count = Count, Window = Window, Burst = Burst, By = By };
}
