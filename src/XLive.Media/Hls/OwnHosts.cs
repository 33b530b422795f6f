using System.Buffers.Text;
using System.Text;

namespace XLive.Media.Hls;

internal enum ReferenceKind { Relative, PathAbsolute, OwnHost, Foreign }

/// <summary>Tells the URIs that come back to us from those that do not, by what stands before the path.</summary>
internal sealed class OwnHosts
{
    private readonly (byte[] Host, int Port)[] _hosts;

    public OwnHosts(IReadOnlyList<string> hosts)
    {
        _hosts = new (byte[], int)[hosts.Count];
        for (int i = 0; i < _hosts.Length; i++)
        {
            byte[] authority = Encoding.UTF8.GetBytes(hosts[i]);
            _hosts[i] = Split(authority, out var host, out int port) ? (host.ToArray(), port) : ([], -1);
        }
    }

    /// <param name="pathStart">Where path, query or fragment begin in an own reference.</param>
    public ReferenceKind Classify(ReadOnlySpan<byte> reference, out int pathStart)
    {
        pathStart = 0;
        int schemeLength = SchemeLength(reference);
        var rest = reference;
        int defaultPort = 0;
        if (schemeLength > 0)
        {
            var scheme = reference[..schemeLength];
            if (Ascii.EqualsIgnoreCase(scheme, "https"u8))
                defaultPort = 443;
            else if (Ascii.EqualsIgnoreCase(scheme, "http"u8))
                defaultPort = 80;
            else
                return ReferenceKind.Foreign;

            rest = reference[(schemeLength + 1)..];

            // "http:seg.ts" reads differently from player to player (RFC 3986 5.4.2): whatever it means, it is not ours to say.
            if (!rest.StartsWith("//"u8))
                return ReferenceKind.Foreign;
        }
        else if (!rest.StartsWith("//"u8))
        {
            return rest.StartsWith("/"u8) ? ReferenceKind.PathAbsolute : ReferenceKind.Relative;
        }

        rest = rest[2..];
        int length = rest.IndexOfAny((byte)'/', (byte)'?', (byte)'#');
        if (length < 0)
            length = rest.Length;
        pathStart = reference.Length - rest.Length + length;
        return Owns(rest[..length], defaultPort) ? ReferenceKind.OwnHost : ReferenceKind.Foreign;
    }

    private static int SchemeLength(ReadOnlySpan<byte> reference)
    {
        for (int i = 0; i < reference.Length; i++)
        {
            byte b = reference[i];
            if (char.IsAsciiLetter((char)b))
                continue;
            if (i == 0)
                return 0;
            if (b == ':')
                return i;
            if (!char.IsAsciiDigit((char)b) && b is not ((byte)'+' or (byte)'-' or (byte)'.'))
                return 0;
        }
        return 0;
    }

    /// <param name="defaultPort">0 where the reference has no scheme of its own: then either default will do.</param>
    private bool Owns(ReadOnlySpan<byte> authority, int defaultPort)
    {
        if (!Split(authority, out var host, out int port) || host.IsEmpty)
            return false;

        foreach (var (ownHost, ownPort) in _hosts)
        {
            if (SamePort(port, ownPort, defaultPort) && Ascii.EqualsIgnoreCase(host, ownHost))
                return true;
        }
        return false;
    }

    private static bool SamePort(int port, int ownPort, int defaultPort)
    {
        if (port == ownPort)
            return true;
        if (port != 0 && ownPort != 0)
            return false;
        int said = port + ownPort;
        return defaultPort == 0 ? said is 80 or 443 : said == defaultPort;
    }

    /// <summary>A user name before the host makes the host part differ, so such a URI stays foreign.</summary>
    private static bool Split(ReadOnlySpan<byte> authority, out ReadOnlySpan<byte> host, out int port)
    {
        port = 0;
        host = authority;
        int colon = authority.LastIndexOf((byte)':');
        if (colon < 0 || authority.EndsWith("]"u8))
            return true;

        host = authority[..colon];
        var digits = authority[(colon + 1)..];
        return digits.IsEmpty || (digits.Length <= 5 && Utf8Parser.TryParse(digits, out port, out int used) && used == digits.Length && port > 0);
    }
}
