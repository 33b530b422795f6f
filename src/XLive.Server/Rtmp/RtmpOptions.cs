using XLive.Server.Door.Tls;
using XLive.Server.Settings;

namespace XLive.Server.Rtmp;

public sealed class RtmpOptions : ICheckedOptions, ICheckedTogether
{
    internal const string ClearKey = "rtmp.port";
    internal const string TlsKey = "rtmps.port";

    [Setting(ClearKey, "live ingest and RTMP play; 0 turns it off", NeedsRestart = true)]
    public int Port { get; set; } = 1935;

    [Setting(TlsKey, "the same over TLS, with tls.certificate; 0 turns it off", NeedsRestart = true)]
    public int TlsPort { get; set; }

    /// <summary>What is listened on, each under the setting that names it.</summary>
    internal IEnumerable<(string Key, int Port)> Ports => new[] { (ClearKey, Port), (TlsKey, TlsPort) }.Where(p => p.Item2 != 0);

    public void Check(Action<string, string> fault)
    {
        if (Port is < 0 or > 65535)
            fault(ClearKey, "must be between 0 and 65535");
        if (TlsPort is < 0 or > 65535)
            fault(TlsKey, "must be between 0 and 65535");
        if (TlsPort != 0 && TlsPort == Port)
            fault(TlsKey, "must be a port of its own, not rtmp.port");
    }

    public void CheckWith(IReadOnlyDictionary<Type, object> others, Action<string, string> fault)
    {
        if (TlsPort != 0 && ((TlsOptions)others[typeof(TlsOptions)]).Certificate is null)
            fault(TlsKey, "needs a certificate: set tls.certificate");
    }
}
