using System.Net;
using System.Net.Sockets;

namespace XLive.Server.Ingest.Pull;

/// <summary>How far inside an address lies: what can be reached there that strangers cannot reach. Nobody's word may lead further in than he is himself.</summary>
internal static class NetworkDepth
{
    private const int Everybody = 0;
    private const int Site = 1;
    private const int Machine = 2;
    private const int Link = 3; // where clouds hand out a machine's credentials, 169.254.169.254

    private static readonly IPNetwork[] Private =
        [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16"), IPNetwork.Parse("100.64.0.0/10"), IPNetwork.Parse("fc00::/7"), IPNetwork.Parse("fec0::/10")];

    private static readonly IPNetwork[] NoHosts =
        [IPNetwork.Parse("0.0.0.0/8"), IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("224.0.0.0/3"), IPNetwork.Parse("::/128"), IPNetwork.Parse("fe80::/10"), IPNetwork.Parse("ff00::/8")];

    // NAT64 (RFC 6052): the address behind it is the last 32 bits.
    private static readonly IPNetwork Translated = IPNetwork.Parse("64:ff9b::/96");

    public static int Of(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6 || (address.AddressFamily == AddressFamily.InterNetworkV6 && Translated.Contains(address)))
            address = new IPAddress(address.GetAddressBytes().AsSpan(12));
        return IsIn(NoHosts, address) ? Link : IPAddress.IsLoopback(address) ? Machine : IsIn(Private, address) ? Site : Everybody;
    }

    private static bool IsIn(IPNetwork[] networks, IPAddress address) => Array.Exists(networks, n => n.Contains(address));
}
