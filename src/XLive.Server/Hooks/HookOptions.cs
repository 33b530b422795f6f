using System.Text;
using XLive.Server.Settings;

namespace XLive.Server.Hooks;

public sealed class HookOptions : ICheckedOptions
{
    // As short as a signing key may be (access.secret).
    private const int LeastSecret = 16;

    [Setting("hooks.url", "the site's address for events and questions, http or https; empty: none")]
    public string Url { get; set; } = "";

    [Setting("hooks.secret", "signs what is posted there, at least 16 bytes", Secret = true)]
    public string Secret { get; set; } = "";

    [Setting("hooks.events", "which; empty is all. on_publish and on_play are asked as well as told")]
    public List<string> Events { get; set; } = [];

    [Setting("hooks.timeout", "for an answer", Unit = SettingUnit.Duration, Least = "1ms", Most = "1m")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    [Setting("hooks.on_silence", "what no answer to a question means")]
    public OnSilence OnSilence { get; set; }

    internal Uri? Receiver => Url.Length == 0 ? null : new Uri(Url);

    /// <summary>It is told, and asked where it can be.</summary>
    public bool Has(HookKind kind) => Url.Length > 0 && (Events.Count == 0 || Events.Contains(kind.Word));

    public void Check(Action<string, string> fault)
    {
        foreach (var name in Events)
        {
            if (!HookKinds.TryParse(name, out _))
                fault("hooks.events", $"'{name}' is no event; there are {string.Join(", ", HookKinds.All.Select(static k => k.Word))}");
        }
        if (Url.Length == 0)
            return;
        if (!Uri.TryCreate(Url, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
            fault("hooks.url", "must be an http or https URL");
        else if (url.UserInfo.Length > 0)
            fault("hooks.url", "must not carry a user or a password; hooks.secret says who posts");
        if (Encoding.UTF8.GetByteCount(Secret) < LeastSecret)
            fault("hooks.secret", $"needs at least {LeastSecret} bytes where hooks.url is set: the site knows by it who posts");
    }
}

public enum OnSilence { Allow, Deny }
