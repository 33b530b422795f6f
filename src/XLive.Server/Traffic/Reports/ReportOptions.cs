using XLive.Server.Settings;

namespace XLive.Server.Traffic.Reports;

public sealed class ReportOptions : ICheckedOptions
{
    [Setting("traffic.report_url", "where reports are posted, http or https; empty: counted, not sent")]
    public string ReportUrl { get; set; } = "";

    [Setting("traffic.api_key", "sent as X-API-Key, and signs the body", Secret = true)]
    public string ApiKey { get; set; } = "";

    internal Uri? Receiver => ReportUrl.Length == 0 ? null : new Uri(ReportUrl);

    public void Check(Action<string, string> fault)
    {
        if (ReportUrl.Length == 0)
            return;
        if (!Uri.TryCreate(ReportUrl, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
            fault("traffic.report_url", "must be an http or https URL");
        else if (url.UserInfo.Length > 0)
            fault("traffic.report_url", "must not carry a user or a password; traffic.api_key says who posts");
        if (ApiKey.Any(static c => c is < '!' or > '~'))
            fault("traffic.api_key", "must be printable ASCII without spaces: it is sent in a header");
    }
}
