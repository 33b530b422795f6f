using System.Buffers.Binary;
using System.Net;

namespace XLive.Server.Door;

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
        if (!TryAddress(address, out bool isV4, out UInt128 value))
        {
            fault = $"'{entry}' is not an IP address or network";
            return false;
        }
        int width = isV4 ? 32 : 128;
        int prefix = width;
        if (slash >= 0 && !TryNumber(entry.AsSpan(slash + 1), width, out prefix))
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

    private static bool TryAddress(ReadOnlySpan<char> text, out bool isV4, out UInt128 value)
    {
        isV4 = text.IndexOf(':') < 0;
        value = 0;
        if (isV4)
        {
            if (!TryDotted(text, out uint small))
                return false;
            value = small;
            return true;
        }
        // IPAddress takes zone ids, brackets and ports too: only the plain alphabet gets as far as it.
        if (text.IndexOfAnyExcept("0123456789abcdefABCDEF:.") >= 0)
            return false;
        int dot = text.IndexOf('.');
        if (dot >= 0 && !TryDotted(text[(text.LastIndexOf(':') + 1)..], out _))
            return false;
        if (!IPAddress.TryParse(text, out IPAddress? address))
            return false;
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out int length) || length != 16)
            return false;
        value = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return true;
    }

    /// <summary>Four plain decimals. IPAddress reads 010.1 as 8.0.0.1.</summary>
    private static bool TryDotted(ReadOnlySpan<char> text, out uint value)
    {
        value = 0;
        int parts = 0;
        foreach (Range range in text.Split('.'))
        {
            if (++parts > 4 || !TryNumber(text[range], 255, out int part))
                return false;
            value = (value << 8) | (uint)part;
        }
        return parts == 4;
    }

    private static bool TryNumber(ReadOnlySpan<char> text, int max, out int number)
    {
        number = 0;
        if (text.Length is 0 or > 3 || (text[0] == '0' && text.Length > 1))
            return false;
        foreach (char c in text)
        {
            if (!char.IsAsciiDigit(c))
                return false;
            number = (number * 10) + (c - '0');
        }
        return number <= max;
    }

    private static string Text(bool isV4, UInt128 value)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return new IPAddress(isV4 ? bytes[12..] : bytes).ToString();
    }
}
