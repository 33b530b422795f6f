using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using XLive.Fuzz.Engine;
using XLive.Server.Access;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// A Referer before a rule, on the next lines the rule's entries. What is let in must be a page of one of the hosts by the reading of
/// System.Uri too, which is closer to a browser's.
/// </summary>
public sealed partial class RefererFuzzer : Fuzzer<(string Referer, string[] Entries)>, IDisposable
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
        var (scheme, host, port) = Page(input.Referer);
        FuzzFailure.Unless(input.Entries.Any(e => Means(e, scheme, host, port)), $"let in, and {host} is none of {string.Join(' ', input.Entries)}");
    }

    /// <summary>
    /// System.Uri takes https://a.-b and turns https://example.com.-a away, which RFC 3986 3.2.2 and browsers take as well. Such names are
    /// read by the RFC's own grammar, less what could be cut in two ways.
    /// </summary>
    private static (string Scheme, string Host, int Port) Page(string referer)
    {
        if (Uri.TryCreate(referer, UriKind.Absolute, out var page))
        {
            FuzzFailure.Unless(page.Scheme is "http" or "https" && page.UserInfo.Length == 0, "let in, and no plain page");
            return (page.Scheme, page.IdnHost.TrimEnd('.').ToLowerInvariant(), page.Port);
        }
        var named = Named().Match(referer);
        FuzzFailure.Unless(named.Success, "let in, and no URL");
        var scheme = named.Groups["scheme"].Value.ToLowerInvariant();
        var port = named.Groups["port"];
        return (scheme, named.Groups["host"].Value.TrimEnd('.').ToLowerInvariant(),
            port.Success ? int.Parse(port.ValueSpan, CultureInfo.InvariantCulture) : scheme == "https" ? 443 : 80);
    }

    private static bool Means(string entry, string pageScheme, string host, int pagePort)
    {
        var text = entry.ToLowerInvariant();
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0 && text[..scheme] != pageScheme)
            return false;
        text = text[(scheme < 0 ? 0 : scheme + 3)..].Split('/')[0];
        var colon = text.LastIndexOf(':');
        if (colon > text.LastIndexOf(']') && text[(colon + 1)..] != $"{pagePort}" && (!int.TryParse(text[(colon + 1)..], out var port) || port != pagePort))
            return false;
        if (colon > text.LastIndexOf(']'))
            text = text[..colon];
        var below = text.StartsWith('.') || text.StartsWith("*.", StringComparison.Ordinal);
        var itself = !text.StartsWith('*');
        text = (below ? text[(text.IndexOf('.') + 1)..] : text).TrimEnd('.');
        if (text.StartsWith('['))
            return IPAddress.TryParse(text, out var address) && IPAddress.TryParse(host, out var asked) && address.Equals(asked);
        return (itself && host == text) || (below && host.EndsWith("." + text, StringComparison.Ordinal));
    }

    public void Dispose() => ((IDisposable)_referer).Dispose();

    [GeneratedRegex(@"\A(?<scheme>https?)://(?<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)(?::(?<port>[0-9]{1,5}))?(?:[/?#].*)?\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Named();
}
