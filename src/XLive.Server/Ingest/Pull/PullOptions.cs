using XLive.Server.Access;
using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Settings;

namespace XLive.Server.Ingest.Pull;

public sealed class PullOptions : ICheckedOptions, ICheckedTogether
{
    [Setting("live.pull", "streams fetched from other servers over RTMP(S) or HTTP(S)-FLV: {stream: app/name, url, on_demand}")]
    public List<PullEntry> Pulls { get; set; } = [];

    [Setting("live.idle_timeout", "a stream fetched on demand that nobody watches ends after this", Least = "1s", Most = "1d")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(300);

    public void Check(Action<string, string> fault)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < Pulls.Count; i++)
        {
            if (Pulls[i].Name is null)
                fault($"live.pull[{i}].stream", "is not app/name: letters, digits and ._~- up to 128 each, no leading dot");
            else if (!names.Add(Pulls[i].Stream))
                fault($"live.pull[{i}].stream", "is fetched from somewhere else already");
            if (Pulls[i].Fault is { } why)
                fault($"live.pull[{i}].url", why);
        }
    }

    public void CheckWith(IReadOnlyDictionary<Type, object> others, Action<string, string> fault)
    {
        var apps = ((LiveAppsOptions)others[typeof(LiveAppsOptions)]).Apps;
        for (var i = 0; i < Pulls.Count; i++)
        {
            if (!apps.Contains(Pulls[i].Name!.Value.App))
                fault($"live.pull[{i}].stream", $"'{Pulls[i].Name!.Value.App}' is none of live.apps");
        }
    }
}

public sealed record PullEntry
{
    [SettingField(Required = true)]
    public string Stream { get; set; } = "";

    // Secret: it may carry a key of the other side.
    [SettingField(Required = true, Secret = true)]
    public string Url { get; set; } = "";

    public bool OnDemand { get; set; }

    internal StreamName? Name => Stream.Split('/') is [var app, var name] && StreamName.TryOf(app, name, out var found) ? found : null;

    internal Uri? Http => Uri.TryCreate(Url, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : null;

    internal string? Fault => Http is not null ? null : RtmpAddress.TryParse(Url, out _, out var fault) ? null : fault + ", nor an http:// or https:// one";
}
