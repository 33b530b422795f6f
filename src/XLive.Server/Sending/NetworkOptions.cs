using XLive.Server.Settings;

namespace XLive.Server.Sending;

public sealed class NetworkOptions : ICheckedOptions
{
    [Setting("network.congestion", "congestion control of each viewer's socket; auto: BBR where the kernel has it, cubic for who is within 1 ms", NeedsRestart = true)]
    public Congestion Congestion { get; set; }

    [Setting("network.nodelay", "TCP_NODELAY: a response is never held back for the acknowledgement of the one before", NeedsRestart = true)]
    public bool NoDelay { get; set; } = true;

    [Setting("network.send_idle_timeout", "a viewer whose TCP takes no byte for so long is cut; nginx's send_timeout", Unit = SettingUnit.Duration)]
    public TimeSpan SendIdleTimeout { get; set; } = TimeSpan.FromSeconds(60);

    public void Check(Action<string, string> fault)
    {
        if (SendIdleTimeout < TimeSpan.FromMilliseconds(100))
            fault("network.send_idle_timeout", "must be at least 100ms");
    }
}

public enum Congestion { Auto, Bbr, Cubic, System }
