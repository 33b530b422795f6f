using System.Net;
using XLive.Fuzz.Engine;
using XLive.Server.Access;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// A Referer before a rule, on the next lines the rule's entries. What is let in must be a page of one of the hosts by the reading of
/// System.Uri too, which is closer to a browser's.
/// </summary>
public sealed class RefererFuzzer : Fuzzer<(string Referer, string[] Entries)>, IDisposable
{
    private readonly GuardedBuffer<char> _referer = new();
    private RefererRule? _rule;
    private bool _allows;

    public override string Name => "referers";

    public override string Target => "`RefererRule`";

    protected override string[] Tokens { get; } =
    [
        "http://", "https://", "HTTPS://", "//", "ftp://", "example.com", "evil.example", ".example.com", "*.example.com", "@", ":", ":80", ":443", ":8443", ":0", ":65536", "\\", "/", "?", "#",
        ".", "..", "%2e", "%40", " ", "\t", "\u00e9", "xn--", "[::1]", "[", "]", "none", "\n", "/videos/**", "/*", "example.com.", "user:pw@", "\0", "-", "_",
    ];

    protected override string Generate(Dice dice)
    {
        var host = dice.Pick("example.com", "www.example.com", "evil.example", "example.com.evil.example", "notexample.com", "[::1]", "EXAMPLE.com", "example.com.", "a.b.example.com");
        var referer = dice.Pick("http://", "https://", "HTTPS://") + host + dice.Pick("", "", ":443", ":8443", ":80") + dice.Pick("", "/", "/videos/a?b=c", "/x#y", "?q", "/videos/../x");
        var entries = Enumerable.Range(0, 1 + dice.Below(3)).Select(_ =>
            dice.Pick("none", "example.com", "*.example.com", ".example.com", "example.com:8443", "https://example.com", "example.com/videos/**", "http://*.example.com:80/*", "[::1]"));
        return (dice.OneIn(20) ? "" : referer) + "\n" + string.Join('\n', entries);
    }

    protected override (string Referer, string[] Entries) Read(string input)
    {
        var lines = Wide(input).Split('\n');
        _referer.Put(lines[0]);
        // The rule is the operator's own.
        return (lines[0], [.. lines.Skip(1).Take(20).Select(static l => l.Length > 256 ? l[..256] : l)]);
    }

    protected override bool Parse((string Referer, string[] Entries) input)
    {
        try
        {
            _rule = new RefererRule(input.Entries);
        }
        catch (FormatException)
        {
            return false;
        }
        _allows = _rule.Allows(_referer.GetSpan());
        return true;
    }

    protected override void Verify((string Referer, string[] Entries) input, bool accepted)
    {
        if (!accepted || !_allows)
            return;
        if (input.Entries.Length == 0 || (input.Referer.Length == 0 && input.Entries.Contains("none")))
            return;
        FuzzFailure.Unless(Uri.TryCreate(input.Referer, UriKind.Absolute, out var page), "let in, and no URL");
        FuzzFailure.Unless(page.Scheme is "http" or "https" && page.UserInfo.Length == 0, "let in, and no plain page");
        var host = page.IdnHost.TrimEnd('.').ToLowerInvariant();
        FuzzFailure.Unless(input.Entries.Any(e => Means(e, page, host)), $"let in, and {host} is none of {string.Join(' ', input.Entries)}");
    }

    private static bool Means(string entry, Uri page, string host)
    {
        var text = entry.ToLowerInvariant();
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0 && text[..scheme] != page.Scheme)
            return false;
        text = text[(scheme < 0 ? 0 : scheme + 3)..].Split('/')[0];
        var colon = text.LastIndexOf(':');
        if (colon > text.LastIndexOf(']') && text[(colon + 1)..] != $"{page.Port}" && (!int.TryParse(text[(colon + 1)..], out var port) || port != page.Port))
            return false;
        if (colon > text.LastIndexOf(']'))
            text = text[..colon];
        var below = text.StartsWith('.') || text.StartsWith("*.", StringComparison.Ordinal);
        var itself = !text.StartsWith('*');
        text = (below ? text[(text.IndexOf('.') + 1)..] : text).TrimEnd('.');
        if (text.StartsWith('['))
            return IPAddress.TryParse(text, out var address) && IPAddress.TryParse(page.Host, out var asked) && address.Equals(asked);
        return (itself && host == text) || (below && host.EndsWith("." + text, StringComparison.Ordinal));
    }

    public void Dispose() => ((IDisposable)_referer).Dispose();
}
