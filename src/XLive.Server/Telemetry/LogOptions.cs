using XLive.Server.Settings;

namespace XLive.Server.Telemetry;

public sealed class LogOptions : ICheckedOptions
{
    [Setting("log.level", "The least important line that is written, on the console and in xlive.log; access.log is written at info and below")]
    public LogDepth Level { get; set; } = LogDepth.Info;

    [Setting("log.dir", "Where xlive.log, error.log, access.log and audit.log lie", NeedsRestart = true)]
    public string Dir { get; set; } = "logs";

    [Setting("log.format", "text is for people, json for collectors; the console is always text")]
    public LogFormat Format { get; set; } = LogFormat.Text;

    [Setting("log.max_size", "A file that reaches it is renamed to name.1.log", Unit = SettingUnit.Bytes, NeedsRestart = true)]
    public long MaxSize { get; set; } = 64 << 20;

    [Setting("log.max_files", "Files kept of each name, the current one included: four names of 512 MiB by default", NeedsRestart = true)]
    public int MaxFiles { get; set; } = 8;

    [Setting("privacy.ip", "How much of a viewer's address stands in logs, reports, lists and the stores: full, prefix (/24 and /64) or none")]
    public AddressPrivacy Address { get; set; } = AddressPrivacy.Full;

    public void Check(Action<string, string> fault)
    {
        if (MaxSize < 4096)
        {
            fault("log.max_size", "must be 4 KiB or more, so that the longest line fits");
        }
        if (MaxFiles is < 1 or > 1000)
        {
            fault("log.max_files", "must be between 1 and 1000");
        }
        if (string.IsNullOrWhiteSpace(Dir))
        {
            fault("log.dir", "must name a directory");
        }
    }
}

public enum LogDepth { Trace, Debug, Info, Warning, Error }

public enum LogFormat { Text, Json }
