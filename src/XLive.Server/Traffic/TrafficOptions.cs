using XLive.Server.Settings;

namespace XLive.Server.Traffic;

public sealed class TrafficOptions : ICheckedOptions
{
    /// <summary>What waits below min_bytes is reported after this all the same.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromHours(24);

    /// <summary>A receiver should be able to take a report in one transaction.</summary>
    public const int MostItems = 5000;

    [Setting("traffic.enable", "count and report what each uid took", NeedsRestart = true)]
    public bool Enable { get; set; } = true;

    [Setting("traffic.report_interval", "one window of a report", Unit = SettingUnit.Duration, Least = "1s")]
    public TimeSpan ReportInterval { get; set; } = TimeSpan.FromSeconds(300);

    [Setting("traffic.min_bytes", "a uid with less waits, up to 24 hours", Unit = SettingUnit.Bytes)]
    public long MinBytes { get; set; } = 1 << 20;

    [Setting("traffic.accumulator_timeout", "how long less than min_bytes stays in memory after the last of it", Unit = SettingUnit.Duration, Least = "1s")]
    public TimeSpan AccumulatorTimeout { get; set; } = TimeSpan.FromSeconds(600);

    [Setting("traffic.long_term_timeout", "when it moves to the ledger on disk at the latest", Unit = SettingUnit.Duration, Least = "1s")]
    public TimeSpan LongTermTimeout { get; set; } = TimeSpan.FromSeconds(1800);

    public void Check(Action<string, string> fault)
    {
        if (LongTermTimeout < AccumulatorTimeout)
            fault("traffic.long_term_timeout", "must not be shorter than traffic.accumulator_timeout");
    }
}
