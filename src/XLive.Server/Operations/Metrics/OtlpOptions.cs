using XLive.Server.Settings;

namespace XLive.Server.Operations.Metrics;

public sealed class OtlpOptions : ICheckedOptions
{
    // Where OTLP over HTTP takes metrics, below an endpoint that takes other signals too (OTLP 1.0, "OTLP/HTTP Request").
    private const string MetricsPath = "/v1/metrics";

    // Written for each post by what is in it and whom it goes to.
    private static readonly string[] s_ours =
        ["Host", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade"];

    [Setting("telemetry.otlp_endpoint", "an OpenTelemetry collector (http://host:4318): the figures of /metrics are posted to /v1/metrics below it; empty: none")]
    public string Endpoint { get; set; } = "";

    [Setting("telemetry.otlp_headers", "headers of these posts, such as Authorization; kept secret, for they often are", Secret = true)]
    public Dictionary<string, string> Headers { get; set; } = [];

    [Setting("telemetry.otlp_interval", "from one post to the next", Unit = SettingUnit.Duration, Least = "1s", Most = "1h")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Null: figures are sent nowhere.</summary>
    internal Uri? Receiver
    {
        get
        {
            if (Endpoint.Length == 0)
                return null;
            var url = Endpoint.TrimEnd('/');
            return new Uri(url.EndsWith(MetricsPath, StringComparison.Ordinal) ? url : url + MetricsPath);
        }
    }

    public void Check(Action<string, string> fault)
    {
        foreach (var (name, value) in Headers)
        {
            if (WhyNot(name, value) is { } why)
                fault("telemetry.otlp_headers", why);
        }
        if (Endpoint.Length == 0)
            return;
        if (!Uri.TryCreate(Endpoint, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
            fault("telemetry.otlp_endpoint", "must be an http or https URL");
        else if (url.UserInfo.Length > 0)
            fault("telemetry.otlp_endpoint", "must not carry a user or a password; telemetry.otlp_headers says who posts");
        else if (url.Query.Length > 0 || url.Fragment.Length > 0)
            fault("telemetry.otlp_endpoint", "must not have a query: the path of the metrics is put behind it");
    }

    private static string? WhyNot(string name, string value)
    {
        if (name.Length == 0 || !name.All(static c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c)))
            return "has a name that no header can have";
        if (s_ours.Contains(name, StringComparer.OrdinalIgnoreCase))
            return $"{name} is written for each post anew";
        return value.All(static c => c is '\t' or (>= ' ' and < (char)0x7F)) ? null : $"{name} has a value that no header can have";
    }
}
