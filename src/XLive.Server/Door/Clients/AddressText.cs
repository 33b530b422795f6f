using System.Buffers.Binary;
using System.Net;

namespace XLive.Server.Door.Clients;

/// <summary>
/// An address as text, read strictly: IPAddress takes 010.1 for 8.0.0.1, and zone ids, brackets and ports too. Two programs that read
/// one text differently are a hole in whatever the address decides.
/// </summary>
internal static class AddressText
{
    /// <summary>"255.255.255.255" in six groups of hex is 45; nothing longer is an address.</summary>
    public const int Longest = 45;

    public static bool TryParse(ReadOnlySpan<char> text, out bool isV4, out UInt128 value)
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
        // Only the plain alphabet gets as far as IPAddress.
        if (text.Length > Longest || text.IndexOfAnyExcept("0123456789abcdefABCDEF:.") >= 0)
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

    /// <summary>A decimal without leading zeros, from 0 to max.</summary>
    public static bool TryNumber(ReadOnlySpan<char> text, int max, out int number)
    {
        number = 0;
        if (text.Length is 0 or > 5 || (text[0] == '0' && text.Length > 1))
            return false;
        foreach (char c in text)
        {
            if (!char.IsAsciiDigit(c))
                return false;
            number = (number * 10) + (c - '0');
        }
        return number <= max;
    }

    public static IPAddress Address(bool isV4, UInt128 value)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return new IPAddress(isV4 ? bytes[12..] : bytes);
    }

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
}
