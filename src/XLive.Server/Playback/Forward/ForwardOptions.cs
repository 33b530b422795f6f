using XLive.Server.Access;
using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Settings;

namespace XLive.Server.Playback.Forward;

public sealed class ForwardOptions : ICheckedOptions
{
    [Setting("live.forward", "streams pushed on over RTMP(S): {stream: app/name or pattern, url}; {app} and {stream} in the url are theirs")]
    public List<ForwardEntry> Forwards { get; set; } = [];

    public void Check(Action<string, string> fault)
    {
        for (var i = 0; i < Forwards.Count; i++)
        {
            var (stream, url) = (Forwards[i].Stream, Forwards[i].Url);
            if (PathPattern.Fault("/" + stream) is { } wrong)
                fault($"live.forward[{i}].stream", wrong);
            else if (stream.Contains('*', StringComparison.Ordinal) && !url.Contains("{stream}", StringComparison.Ordinal))
                fault($"live.forward[{i}].url", "is one place for many streams: it needs {stream}");
            if (!RtmpAddress.TryParse(ForwardEntry.Filled(url, new StreamName("app", "stream")), out _, out var why))
                fault($"live.forward[{i}].url", why);
        }
    }
}

public sealed record ForwardEntry
{
    [SettingField(Required = true)]
    public string Stream { get; set; } = "";

    // Secret: it carries the key of the other side.
    [SettingField(Required = true, Secret = true)]
    public string Url { get; set; } = "";

    internal RtmpAddress For(in StreamName name) =>
        RtmpAddress.TryParse(Filled(Url, name), out var address, out var fault) ? address : throw new FormatException(fault);

    internal static string Filled(string url, in StreamName name) =>
        url.Replace("{app}", name.App, StringComparison.Ordinal).Replace("{stream}", name.Stream, StringComparison.Ordinal);
}
