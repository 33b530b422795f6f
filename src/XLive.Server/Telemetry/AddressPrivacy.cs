using System.Net;
using System.Net.Sockets;

namespace XLive.Server.Telemetry;

/// <summary>How much of a client's address is written down: in logs, in reports and in what a store keeps of a session.</summary>
public enum AddressPrivacy { Full, Prefix, None }

public static class AddressPrivacies
{
    /// <summary>What may be kept of it; <see cref="IPAddress.None"/>: nothing.</summary>
    public static IPAddress Kept(this AddressPrivacy privacy, IPAddress address)
    {
        if (privacy == AddressPrivacy.Full)
            return address;
        Span<byte> bytes = stackalloc byte[16];
        if (privacy == AddressPrivacy.None || !address.TryWriteBytes(bytes, out var length))
            return IPAddress.None;
        bytes[(address.IsIPv4MappedToIPv6 ? 15 : length == 4 ? 3 : 8)..length].Clear();
        return new IPAddress(bytes[..length]);
    }

    /// <summary>As it is shown, a network with its length; empty: it is not.</summary>
    public static string Text(this AddressPrivacy privacy, IPAddress address)
    {
        var kept = privacy.Kept(address);
        if (kept.Equals(IPAddress.None))
            return "";
        if (kept.IsIPv4MappedToIPv6)
            kept = kept.MapToIPv4();
        return privacy == AddressPrivacy.Full ? kept.ToString() : $"{kept}{(kept.AddressFamily == AddressFamily.InterNetwork ? "/24" : "/64")}";
    }
}
