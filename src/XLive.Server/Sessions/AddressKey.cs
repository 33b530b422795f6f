using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace XLive.Server.Sessions;

/// <summary>
/// An address as sessions compare it: whole, or its network (/24, /64), since phones change the last part of theirs and homes share
/// one. IPv4 lies in its mapped IPv6 form, so that both families compare alike.
/// </summary>
public readonly record struct AddressKey(ulong High, ulong Low)
{
    private const ulong Mapped = 0xFFFF_0000_0000;

    public static AddressKey Exact(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var n);
        return n == 4
            ? new AddressKey(0, Mapped | BinaryPrimitives.ReadUInt32BigEndian(bytes))
            : new AddressKey(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));
    }

    public static AddressKey Network(IPAddress address)
    {
        var whole = Exact(address);
        return address.AddressFamily == AddressFamily.InterNetwork || whole.High == 0 && whole.Low >> 32 == 0xFFFF
            ? whole with { Low = whole.Low & ~0xFFUL }
            : whole with { Low = 0 };
    }
}
