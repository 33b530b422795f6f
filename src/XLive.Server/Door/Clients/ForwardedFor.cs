using System.Net;
using Microsoft.Extensions.Primitives;

namespace XLive.Server.Door.Clients;

/// <summary>
/// Who a request's client is, from X-Forwarded-For: each proxy writes at its right end whom it had the request from, so the list is read
/// from there, and only as far as the writers are trusted. What stands further left is a stranger's own words.
/// </summary>
internal static class ForwardedFor
{
    /// <summary>A chain of proxies has two or three; thousands are somebody's attempt to have us count them.</summary>
    public const int MostHops = 64;

    /// <summary>
    /// The rightmost address that is no trusted proxy; the leftmost where all are. An entry that is no address ends the list, as in
    /// nginx: whoever wrote it, the one to its right is the last that somebody trusted has named.
    /// </summary>
    public static IPAddress Client(StringValues lines, IPAddress peer, CidrSet proxies)
    {
        var client = peer;
        var hops = 0;
        // Several lines are one list (RFC 9110 section 5.3).
        for (var i = lines.Count - 1; i >= 0; i--)
        {
            ReadOnlySpan<char> line = lines[i];
            while (!line.IsEmpty)
            {
                var comma = line.LastIndexOf(',');
                var entry = line[(comma + 1)..].Trim(" \t");
                line = comma < 0 ? default : line[..comma];
                // Empty elements are none (section 5.6.1.2).
                if (entry.IsEmpty)
                    continue;
                if (++hops > MostHops || !TryEntry(entry, out var address))
                    return client;
                client = address;
                if (!proxies.Contains(client))
                    return client;
            }
        }
        return client;
    }

    /// <summary>Some write the port too: "192.0.2.7:4711", "[2001:db8::7]:4711".</summary>
    private static bool TryEntry(ReadOnlySpan<char> entry, out IPAddress address)
    {
        address = IPAddress.None;
        var port = default(ReadOnlySpan<char>);
        var bracketed = entry[0] == '[';
        if (bracketed)
        {
            var end = entry.IndexOf(']');
            if (end < 0)
                return false;
            port = entry[(end + 1)..];
            entry = entry[1..end];
        }
        else if (entry.IndexOf(':') is >= 0 and var colon && colon == entry.LastIndexOf(':'))
        {
            port = entry[colon..];
            entry = entry[..colon];
        }
        if (!port.IsEmpty && (port[0] != ':' || !AddressText.TryNumber(port[1..], ushort.MaxValue, out _)))
            return false;
        if (!AddressText.TryParse(entry, out var isV4, out var value) || bracketed && isV4)
            return false;
        address = AddressText.Address(isV4, value);
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return true;
    }

    /// <summary>
    /// What the client spoke to the outermost proxy, the leftmost where several have written; null where it is neither http nor https.
    /// A client that lies here through a proxy that appends spares itself a redirect, no more; the other end of the list would send those
    /// behind a second, clear hop in a circle.
    /// </summary>
    public static bool? IsHttps(StringValues lines)
    {
        if (lines.Count == 0)
            return null;
        ReadOnlySpan<char> first = lines[0];
        var comma = first.IndexOf(',');
        first = (comma < 0 ? first : first[..comma]).Trim(" \t");
        return first.Equals("https", StringComparison.OrdinalIgnoreCase) ? true
            : first.Equals("http", StringComparison.OrdinalIgnoreCase) ? false : null;
    }
}
