using System.Buffers;
using XLive.Server.Settings;

namespace XLive.Server.Access;

/// <summary>
/// From which pages something may be fetched. As nginx's valid_referers:
///
///     none                        a request without a Referer
///     example.com                 that host, any port
///     example.com:8443            that port alone
///     *.example.com               the hosts below it
///     .example.com                both
///     example.com/videos/**       by path as well, where the page's policy sends one: browsers tell other sites only the host
///     https://...                 by scheme as well
///
/// An empty list is everybody. A Referer that is not a plain http(s) URL matches nothing. It keeps other people's pages from
/// embedding; it keeps out nobody who writes his own headers.
/// </summary>
public sealed class RefererRule
{
    public static readonly RefererRule Everybody = new([]);

    private readonly Entry[] _entries;
    private readonly bool _allowsNone;

    /// <exception cref="FormatException">The message names the entry.</exception>
    public RefererRule(IEnumerable<string> entries)
    {
        var list = new List<Entry>();
        foreach (string text in entries)
        {
            if (text == "none")
                _allowsNone = true;
            else
                list.Add(Entry.Parse(text));
        }
        _entries = [.. list];
    }

    public bool Allows(ReadOnlySpan<char> referer)
    {
        if (_entries.Length == 0 && !_allowsNone)
            return true;
        if (referer.IsEmpty)
            return _allowsNone;
        if (!Page.TryParse(referer, out Page page))
            return false;
        foreach (Entry entry in _entries)
        {
            if (entry.Matches(page))
                return true;
        }
        return false;
    }

    /// <summary>A URL cut into the parts that count. Anything that two readers could cut differently is no page.</summary>
    private readonly ref struct Page
    {
        public ReadOnlySpan<char> Host { get; private init; }

        public ReadOnlySpan<char> Path { get; private init; }

        public int Port { get; private init; }

        public bool IsSecure { get; private init; }

        public static bool TryParse(ReadOnlySpan<char> url, out Page page)
        {
            page = default;
            bool secure = url.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
            if (!secure && !url.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
                return false;
            url = url[(secure ? 8 : 7)..];
            int end = url.IndexOfAny('/', '?', '#');
            if (!TryAuthority(end < 0 ? url : url[..end], secure ? 443 : 80, out ReadOnlySpan<char> host, out int port, out _))
                return false;
            ReadOnlySpan<char> path = end < 0 ? "/" : url[end..];
            int cut = path.IndexOfAny('?', '#');
            if (cut >= 0)
                path = cut == 0 ? "/" : path[..cut];
            page = new Page { Host = host, Port = port, IsSecure = secure, Path = path };
            return true;
        }
    }

    /// <summary>
    /// A host of letters, digits, dots and hyphens (or an IPv6 address in brackets) and perhaps a port: so no user name before an
    /// "@", no backslash that a browser takes for a slash, no escape, no blank. The final dot of a full name is taken off.
    /// </summary>
    private static bool TryAuthority(ReadOnlySpan<char> text, int defaultPort, out ReadOnlySpan<char> host, out int port, out bool hasPort)
    {
        host = text;
        port = defaultPort;
        bool bracketed = text.StartsWith('[');
        int colon = bracketed ? text.IndexOf(']') + 1 : text.IndexOf(':');
        hasPort = colon >= 0 && colon < text.Length;
        if (bracketed && colon == 0)
            return false;
        if (hasPort)
        {
            if (text[colon] != ':' || text.Length - colon - 1 > 5 || !WholeNumber.TryRead(text[(colon + 1)..], ushort.MaxValue, out port) || port == 0)
                return false;
        }
        if (colon >= 0)
            host = text[..colon];
        if (bracketed)
            return host.Length > 3 && !host[1..^1].ContainsAnyExcept("0123456789abcdefABCDEF:.");
        if (host.EndsWith('.'))
            host = host[..^1];
        return host.Length is > 0 and <= 253 && host[0] != '.' && !host.Contains("..", StringComparison.Ordinal)
            && !host.ContainsAnyExcept(HostCharacters);
    }

    private static readonly SearchValues<char> HostCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_");

    private sealed class Entry
    {
        private string _host = "";
        private bool _itself = true;
        private bool _below;
        private int? _port;
        private bool? _isSecure;
        private PathPattern? _path;

        public bool Matches(in Page page) =>
            (_isSecure is null || _isSecure == page.IsSecure)
            && (_port is null || _port == page.Port)
            && MatchesHost(page.Host)
            && (_path is null || _path.Matches(page.Path));

        private bool MatchesHost(ReadOnlySpan<char> asked)
        {
            if (_itself && asked.Equals(_host, StringComparison.OrdinalIgnoreCase))
                return true;
            return _below && asked.Length > _host.Length + 1 && asked[^(_host.Length + 1)] == '.'
                && asked.EndsWith(_host, StringComparison.OrdinalIgnoreCase);
        }

        public static Entry Parse(string text)
        {
            var entry = new Entry();
            ReadOnlySpan<char> rest = text;
            int scheme = text.IndexOf("://", StringComparison.Ordinal);
            if (scheme >= 0)
            {
                entry._isSecure = text[..scheme].ToLowerInvariant() switch
                {
                    "https" => true,
                    "http" => false,
                    _ => throw new FormatException($"'{text}': only http:// and https:// pages send a Referer"),
                };
                rest = rest[(scheme + 3)..];
            }
            if (rest.StartsWith("*.") || rest.StartsWith('.'))
            {
                entry._itself = rest[0] == '.';
                entry._below = true;
                rest = rest[(rest.IndexOf('.') + 1)..];
            }
            int slash = rest.IndexOf('/');
            if (!TryAuthority(slash < 0 ? rest : rest[..slash], 0, out ReadOnlySpan<char> host, out int port, out bool hasPort))
                throw new FormatException(
                    $"'{text}' is not a page's host: none, example.com, *.example.com, example.com/videos/** (other scripts as xn--...)");
            entry._host = host.ToString();
            entry._port = hasPort ? port : null;
            if (slash >= 0)
            {
                string pattern = rest[slash..].ToString();
                if (PathPattern.Fault(pattern) is { } fault)
                    throw new FormatException($"'{text}': the path {fault}");
                entry._path = new PathPattern(pattern);
            }
            return entry;
        }
    }
}
