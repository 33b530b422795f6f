using XLive.Server.Settings;

namespace XLive.Server.Traffic.History;

public sealed class HistoryOptions : ICheckedOptions
{
    [Setting("traffic.history", "how long the database keeps what each uid took in each hour; 0: for ever", Unit = SettingUnit.Duration)]
    public TimeSpan History { get; set; } = TimeSpan.FromDays(400);

    public void Check(Action<string, string> fault)
    {
        if (History != TimeSpan.Zero && History < TimeSpan.FromDays(1))
        {
            fault("traffic.history", "must be a day or more, or 0 for ever");
        }
    }
}
