using System.Buffers.Binary;
using System.Net;

namespace XLive.Server.Limits;

/// <summary>Whose attempts are counted together. Made without an allocation: limits are asked before anything else is known of who asks.</summary>
public readonly record struct LimitKey
{
    private LimitKey(ulong network, bool isSix, string? name) => (Network, IsSix, Name) = (network, isSix, name);

    public ulong Network { get; }
    public bool IsSix { get; }
    public string? Name { get; }

    public static LimitKey Everybody => default;

    /// <summary>Null: it is no address'.</summary>
    public IPAddress? Address
    {
        get
        {
            if (Name is not null || this == Everybody)
                return null;
            Span<byte> bytes = stackalloc byte[16];
            bytes.Clear();
            if (IsSix)
                BinaryPrimitives.WriteUInt64BigEndian(bytes, Network);
            else
                BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Network);
            return new IPAddress(IsSix ? bytes : bytes[..4]);
        }
    }

    public static LimitKey Of(string name) => new(0, false, name);

    // A /64 is one household: its owner has 2^64 addresses to try from.
    public static LimitKey Of(IPAddress? address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        if (address is null || !address.TryWriteBytes(bytes, out var length))
            return default;
        var mapped = address.IsIPv4MappedToIPv6;
        return length == 4 || mapped
            ? new LimitKey(BinaryPrimitives.ReadUInt32BigEndian(mapped ? bytes[12..] : bytes), false, null)
            : new LimitKey(BinaryPrimitives.ReadUInt64BigEndian(bytes), true, null);
    }
}
