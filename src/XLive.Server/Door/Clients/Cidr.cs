namespace XLive.Server.Door.Clients;

/// <summary>One network as it is written. Strict, because a lenient reading of a rule is a hole in it.</summary>
internal readonly record struct Cidr(bool IsV4, UInt128 First, UInt128 Last, int Prefix)
{
    /// <summary>The upper 96 bits of ::ffff:0:0/96.</summary>
    public static readonly UInt128 MappedPrefix = 0xffff;

    public static Cidr Parse(string entry) =>
        TryParse(entry, out Cidr cidr, out string? fault) ? cidr : throw new FormatException(fault);

    public static bool TryParse(string entry, out Cidr cidr, out string? fault)
    {
        cidr = default;
        int slash = entry.IndexOf('/');
        ReadOnlySpan<char> address = slash < 0 ? entry : entry.AsSpan(0, slash);
        if (!AddressText.TryParse(address, out bool isV4, out UInt128 value))
        {
            fault = $"'{entry}' is not an IP address or network";
            return false;
        }
        int width = isV4 ? 32 : 128;
        int prefix = width;
        if (slash >= 0 && !AddressText.TryNumber(entry.AsSpan(slash + 1), width, out prefix))
        {
            fault = $"'{entry}': the length after the slash is a number from 0 to {width}";
            return false;
        }
        if (!isV4 && prefix >= 96 && value >> 32 == MappedPrefix)
        {
            isV4 = true;
            value = (uint)value;
            width = 32;
            prefix -= 96;
        }
        UInt128 host = prefix == width ? 0 : (UInt128.One << (width - prefix)) - 1;
        // A shift by the whole width is a shift by nothing.
        if (prefix == 0 && width == 128)
            host = UInt128.MaxValue;
        if ((value & host) != 0)
        {
            fault = $"'{entry}' has host bits set: write {Text(isV4, value & ~host)}/{prefix} for the network, "
                + $"{Text(isV4, value)} for the one address";
            return false;
        }
        cidr = new Cidr(isV4, value, value | host, prefix);
        fault = null;
        return true;
    }

    private static string Text(bool isV4, UInt128 value) => AddressText.Address(isV4, value).ToString();
}
