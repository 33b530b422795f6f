using XLive.Server.Settings;

namespace XLive.Server.Sessions;

public sealed class SessionOptions : ICheckedOptions
{
    [Setting("sessions.max_lifetime", "how long the grant in a session's path lives", Unit = SettingUnit.Duration)]
    public TimeSpan MaxLifetime { get; set; } = TimeSpan.FromHours(24);

    [Setting("sessions.idle", "how long a session may come back after its last request", Unit = SettingUnit.Duration)]
    public TimeSpan Idle { get; set; } = TimeSpan.FromSeconds(600);

    [Setting("sessions.lease", "how long a silent device counts", Unit = SettingUnit.Duration)]
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(60);

    [Setting("sessions.max_per_user", "devices of one uid at a time; 0: no limit", Most = "1000")]
    public int MaxPerUser { get; set; }

    [Setting("sessions.on_limit", "the new device is refused, or the one that was silent longest ends")]
    public OnDeviceLimit OnLimit { get; set; }

    /// <summary>Null: as many as a user likes.</summary>
    public DeviceLimit? Limit => MaxPerUser > 0 ? new DeviceLimit(MaxPerUser, OnLimit == OnDeviceLimit.Replace, Lease) : null;

    public void Check(Action<string, string> fault)
    {
        if (MaxLifetime < TimeSpan.FromMinutes(1))
            fault("sessions.max_lifetime", "must be at least 1m");
        if (Idle < TimeSpan.FromSeconds(1))
            fault("sessions.idle", "must be at least 1s");
        if (Lease < TimeSpan.FromSeconds(1))
            fault("sessions.lease", "must be at least 1s");
    }
}

public enum OnDeviceLimit { Reject, Replace }
