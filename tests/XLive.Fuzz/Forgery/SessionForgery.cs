using XLive.Fuzz.Engine;
using XLive.Fuzz.Inputs;

namespace XLive.Fuzz.Forgery;

/// <summary>Session paths: a forgery is whatever is let in and is not, decoded once, one of those that were made, before a path within its scope.</summary>
public sealed class SessionForgery : IForgery
{
    private static readonly string[] Titles = ["/video/2024-01-01/movie1/", "/v/m/", "/films/movie10/", "/a/b/c/"];

    private readonly GateBehindGlass _gate = new();
    private readonly List<string> _targets = [];
    private readonly Dictionary<string, string> _scopes = [];

    public SessionForgery()
    {
        foreach (var title in Titles)
        {
            for (var i = 0; i < 8; i++)
            {
                var link = Server.Access.SignedUrl.Sign(title + "p.m3u8", $"u{i}", Site.Now + 600, System.Text.Encoding.UTF8.GetBytes(Site.Secrets[0].Secret));
                var grant = _gate.SessionPath(link, title);
                _scopes[grant] = title;
                _targets.Add($"{grant}{title}seg{i}.ts");
            }
        }
        if (!_targets.TrueForAll(_gate.Admits))
            throw new InvalidOperationException("a session's own path is refused");
    }

    public string Name => "session paths";

    public string Forge(Dice dice, out string from, out Trick trick)
    {
        from = _targets[dice.Below(_targets.Count)];
        return Forger.Forge(from, dice.OneIn(2) ? '.' : '/', _targets[dice.Below(_targets.Count)], dice, out trick);
    }

    public bool Accepts(string forged) => _gate.Admits(forged);

    public bool SaysWhatWasSigned(string forged) => PathFuzzer.Reading(forged) is { } path && path.StartsWith("/~", StringComparison.Ordinal)
        && path.IndexOf('/', 1) is var end && _scopes.TryGetValue(path[..end], out var scope) && path[end..].StartsWith(scope, StringComparison.Ordinal);
}
