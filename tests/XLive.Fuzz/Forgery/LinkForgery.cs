using System.Globalization;
using System.Text;
using XLive.Fuzz.Engine;
using XLive.Fuzz.Inputs;
using XLive.Server.Access;

namespace XLive.Fuzz.Forgery;

/// <summary>
/// Signed links, by query and by path, changed and shown to the gate, which has let the right ones in and remembers them. A forgery is
/// what is let in and says, once decoded, something that was not signed together: uid, expires, kid, scope and token of no one link, or
/// a path that the scope does not reach.
/// </summary>
public sealed class LinkForgery : IForgery
{
    private const int Links = 64;

    private readonly GateBehindGlass _gate = new();
    private readonly string[] _links = new string[Links];

    // By what they say.
    private readonly HashSet<string> _said = [];

    public LinkForgery()
    {
        var dice = new Dice(1);
        for (var i = 0; i < Links;)
        {
            var (kid, secret) = (i % 3) switch { 0 => Site.Secrets[1], 1 => Site.Secrets[4], _ => Site.Secrets[0] } is var key ? (key.Kid, Encoding.UTF8.GetBytes(key.Secret)) : default;
            var path = Site.Path(dice);
            var scope = Site.Scope(dice);
            // The same user has several links, and several users one film: parts of one fit well into another.
            var uid = $"u{dice.Below(8)}";
            var expires = Site.Now + (dice.Below(4) * 600) + 60;
            var link = i % 2 == 0 ? SignedUrl.Sign(path, uid, expires, secret, kid, scope) : SignedUrl.SignAsPrefix(path, uid, expires, secret, kid, scope);
            if (!_gate.Admits(link))
                continue;
            _links[i++] = link;
            _said.Add(Said(link, out _) ?? throw new InvalidOperationException(link));
        }
    }

    public string Name => "links";

    public IReadOnlyList<string> Right => _links;

    public string Forge(Dice dice, out string from, out Trick trick)
    {
        from = _links[dice.Below(Links)];
        var other = _links[dice.Below(Links)];
        var forged = Forger.Forge(from, from.Contains('?') ? '&' : '.', other, dice, out trick);
        return dice.OneIn(10) ? Forger.Forge(forged.Length > 0 ? forged : "/", '&', other, dice, out _) : forged;
    }

    public bool Accepts(string forged) => _gate.Admits(forged);

    public bool SaysWhatWasSigned(string forged) => Said(forged, out var reaches) is { } said && reaches && _said.Contains(said);

    /// <summary>What a target says, decoded by the fuzzers' second readings; null where it says nothing.</summary>
    private static string? Said(string target, out bool reaches)
    {
        reaches = false;
        if (PathFuzzer.Reading(target) is not { } path)
            return null;
        var fields = Array.Empty<byte[]>();
        if (path.StartsWith("/~", StringComparison.Ordinal))
        {
            var end = path.IndexOf('/', 1);
            fields = GrantPathFuzzer.Reading(path[1..end], out _);
            path = path[end..];
        }
        else if (target.Contains('?'))
        {
            fields = GrantQueryFuzzer.Reading(target[(target.IndexOf('?') + 1)..], out _);
        }
        if (fields.Length == 0)
            return null;
        var scope = fields[4].Length > 0 ? Encoding.UTF8.GetString(fields[4]) : path[..(path.LastIndexOf('/') + 1)];
        reaches = ScopeFuzzer.Reaches(scope, path);
        // A derived scope of an app or of everything is refused where the stated one is not.
        reaches &= fields[4].Length > 0 || scope is not ("/" or "/live/" or "/wida/");
        return string.Create(CultureInfo.InvariantCulture, $"{Convert.ToHexString(fields[0])} {Fuzzer.Latin(fields[1])} {Convert.ToHexString(fields[2])} {Convert.ToHexString(fields[3])} {scope}");
    }
}
