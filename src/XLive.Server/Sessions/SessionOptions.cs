using XLive.Server.Settings;

namespace XLive.Server.Sessions;

public sealed class SessionOptions : ICheckedOptions
{
    [Setting("sessions.max_lifetime", "how long the grant in a session's path lives", Unit = SettingUnit.Duration)]
    public TimeSpan MaxLifetime { get; set; } = TimeSpan.FromHours(24);

    [Setting("sessions.idle", "how long a session may come back after its last request", Unit = SettingUnit.Duration)]
    public TimeSpan Idle { get; set; } = TimeSpan.FromSeconds(600);

    public void Check(Action<string, string> fault)
    {
        if (MaxLifetime < TimeSpan.FromMinutes(1))
            fault("sessions.max_lifetime", "must be at least 1m");
        if (Idle < TimeSpan.FromSeconds(1))
            fault("sessions.idle", "must be at least 1s");
    }
}
