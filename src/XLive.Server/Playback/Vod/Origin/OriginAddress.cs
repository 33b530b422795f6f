using System.Globalization;
using System.Net;
using System.Text;
using XLive.Server.Settings;

namespace XLive.Server.Playback.Vod.Origin;

/// <summary>Where an origin is. A path of its URL stands before every path asked of it.</summary>
internal sealed record OriginAddress(bool IsHttps, string Host, int Port, string Prefix)
{
    // What RFC 3986 lets stand in a path as it is; all else is escaped, the percent sign too, for the path is decoded already.
    private const string Plain = "-._~!$&'()*+,;=:@/";

    /// <summary>Host and port, without the scheme: for people, and beside the figures.</summary>
    public string Name => (Host.Contains(':') ? $"[{Host}]" : Host) + ":" + Port.ToString(CultureInfo.InvariantCulture);

    public string Base => (IsHttps ? "https://" : "http://") + Name + Prefix;

    /// <param name="fault">What is wrong with it; it never repeats the URL, which may hold a password.</param>
    public static OriginAddress? Parse(string url, out string fault)
    {
        fault = "must be an http or https URL";
        if (!Uri.TryCreate(url, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https") || parsed.Host.Length == 0)
            return null;
        if (url.Any(static c => c is <= ' ' or > '~' or '\\'))
            fault = "holds a space, a backslash or what is not ASCII";
        else if (parsed.UserInfo.Length > 0 || url.Contains('@'))
            fault = "must not carry a user or a password; a header in backend.headers says who asks";
        else if (url.Contains('?') || url.Contains('#'))
            fault = "must not have a query or a fragment";
        else if (parsed.Port is <= 0 or > 65535)
            fault = "has no port that can be";
        else
            return new(parsed.Scheme == "https", parsed.IdnHost, parsed.Port, parsed.AbsolutePath.TrimEnd('/'));
        return null;
    }

    public static OriginAddress? Of(string host, int? port, bool isHttps)
    {
        if (!host.Contains('%') && IPAddress.TryParse(host, out var address) && address.ToString().Contains(':'))
            host = address.ToString();
        else if (Uri.CheckHostName(host) is not (UriHostNameType.Dns or UriHostNameType.IPv4) || host.Any(static c => c > '~'))
            return null;
        return new(isHttps, host, port ?? (isHttps ? 443 : 80), "");
    }

    /// <summary>A name or an address, in brackets where it is IPv6, and a port or none.</summary>
    public static bool IsHostHeader(string text)
    {
        if (text.Any(static c => c is <= ' ' or > '~'))
            return false;
        var colon = text.LastIndexOf(':');
        var hasPort = colon >= 0 && !text.EndsWith(']');
        var host = hasPort ? text[..colon] : text;
        if (hasPort && !(WholeNumber.TryRead(text.AsSpan(colon + 1), ushort.MaxValue, out var port) && port > 0))
            return false;
        return host.StartsWith('[')
            ? host.EndsWith(']') && IPAddress.TryParse(host, out _)
            : Uri.CheckHostName(host) is UriHostNameType.Dns or UriHostNameType.IPv4;
    }

    /// <summary>The URI to ask for, its path exactly as it goes over the wire.</summary>
    public Uri UriOf(string path, string query)
    {
        var text = new StringBuilder(Base, Base.Length + path.Length + query.Length + 16);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in path.EnumerateRunes())
        {
            if (rune.IsAscii && (char.IsAsciiLetterOrDigit((char)rune.Value) || Plain.Contains((char)rune.Value)))
            {
                text.Append((char)rune.Value);
                continue;
            }
            foreach (var b in utf8[..rune.EncodeToUtf8(utf8)])
                text.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        }
        text.Append(query);
        // Uri would decode and shorten it otherwise: what was signed and is cached must be what is asked for.
        return new Uri(text.ToString(), new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
    }
}
