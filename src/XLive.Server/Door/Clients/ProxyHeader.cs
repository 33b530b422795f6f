using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Numerics;
using System.Text;

namespace XLive.Server.Door.Clients;

public enum ProxyHeaderState { NeedMore, NotProxy, Bad, Header }

/// <summary>
/// What a proxy says before a connection's first byte: PROXY protocol versions 1 and 2 (haproxy's doc/proxy-protocol.txt). The answer
/// hangs on the bytes alone: once it is other than NeedMore, more bytes do not change it.
/// </summary>
public readonly record struct ProxyHeader
{
    /// <summary>Section 2.1 counts the longest line of version 1, CRLF included.</summary>
    public const int LongestLine = 107;

    /// <summary>
    /// Of version 2, whose length field could make us hold 64 KiB for a connection that has said nothing yet. Addresses take at most
    /// 216 and the extensions in use some hundred bytes; nginx has the same bound.
    /// </summary>
    public const int Longest = 4096;

    private const int FixedPart = 16;
    private const byte TlvChecksum = 0x03;
    private const byte TlvTls = 0x20;

    private static ReadOnlySpan<byte> LineStart => "PROXY"u8;
    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>The client; null where the proxy speaks for itself (LOCAL) or has no address of that kind (UNKNOWN, UNSPEC, AF_UNIX).</summary>
    public IPEndPoint? Source { get; private init; }

    public IPEndPoint? Destination { get; private init; }

    /// <summary>The client came to the proxy over TLS (PP2_TYPE_SSL with PP2_CLIENT_SSL; haproxy's send-proxy-v2-ssl).</summary>
    public bool IsTls { get; private init; }

    /// <summary>What is wrong, where the state is Bad.</summary>
    public string? Fault { get; private init; }

    public static ProxyHeaderState Parse(in ReadOnlySequence<byte> bytes, out ProxyHeader header, out int consumed)
    {
        if (bytes.IsSingleSegment)
            return Parse(bytes.FirstSpan, out header, out consumed);
        Span<byte> whole = stackalloc byte[Longest];
        var length = (int)Math.Min(bytes.Length, Longest);
        bytes.Slice(0, length).CopyTo(whole);
        return Parse(whole[..length], out header, out consumed);
    }

    /// <param name="consumed">The header's length, where there is one; what follows is the connection's first byte.</param>
    public static ProxyHeaderState Parse(ReadOnlySpan<byte> bytes, out ProxyHeader header, out int consumed)
    {
        header = default;
        consumed = 0;
        if (bytes.StartsWith(LineStart))
            return Line(bytes, out header, out consumed);
        if (bytes.StartsWith(Signature))
            return Binary(bytes, out header, out consumed);
        return LineStart.StartsWith(bytes) || Signature.StartsWith(bytes) ? ProxyHeaderState.NeedMore : ProxyHeaderState.NotProxy;
    }

    private static ProxyHeaderState Line(ReadOnlySpan<byte> bytes, out ProxyHeader header, out int consumed)
    {
        header = default;
        consumed = 0;
        var window = bytes.Length > LongestLine ? bytes[..LongestLine] : bytes;
        var end = window.IndexOf("\r\n"u8);
        if (end < 0)
            return window.Length < LongestLine ? ProxyHeaderState.NeedMore : Bad("the line is longer than 107 bytes", out header);
        var line = window[..end];
        // "Ignore anything before the CRLF" (of UNKNOWN) would swallow a request whose header ended in a bare LF.
        if (line.ContainsAnyExceptInRange((byte)' ', (byte)'~'))
            return Bad("the line has a byte that is not printable", out header);
        Span<char> text = stackalloc char[LongestLine];
        text = text[..Encoding.ASCII.GetChars(line[LineStart.Length..], text)];
        if (text is " UNKNOWN" || text.StartsWith(" UNKNOWN "))
        {
            consumed = end + 2;
            return ProxyHeaderState.Header;
        }
        var isV4 = text.StartsWith(" TCP4 ");
        if (!isV4 && !text.StartsWith(" TCP6 "))
            return Bad("the protocol is none of TCP4, TCP6 and UNKNOWN", out header);
        Span<Range> fields = stackalloc Range[5];
        ReadOnlySpan<char> rest = text[6..];
        if (rest.Split(fields, ' ') != 4)
            return Bad("the line has not two addresses and two ports", out header);
        if (!TryEndPoint(rest[fields[0]], rest[fields[2]], isV4, out var source)
            || !TryEndPoint(rest[fields[1]], rest[fields[3]], isV4, out var destination))
            return Bad("an address or a port is not one", out header);
        header = new ProxyHeader { Source = source, Destination = destination };
        consumed = end + 2;
        return ProxyHeaderState.Header;
    }

    private static bool TryEndPoint(ReadOnlySpan<char> address, ReadOnlySpan<char> port, bool isV4, out IPEndPoint? endPoint)
    {
        endPoint = null;
        if (!AddressText.TryParse(address, out var v4, out var value) || v4 != isV4 || !AddressText.TryNumber(port, ushort.MaxValue, out var number))
            return false;
        endPoint = EndPoint(AddressText.Address(v4, value), number);
        return true;
    }

    private static IPEndPoint EndPoint(IPAddress address, int port) => new(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, port);

    private static ProxyHeaderState Binary(ReadOnlySpan<byte> bytes, out ProxyHeader header, out int consumed)
    {
        header = default;
        consumed = 0;
        if (bytes.Length <= Signature.Length)
            return ProxyHeaderState.NeedMore;
        var command = bytes[12];
        if (command is not (0x20 or 0x21))
            return Bad("the version is not 2, or the command neither LOCAL nor PROXY", out header);
        if (bytes.Length < FixedPart)
            return ProxyHeaderState.NeedMore;
        // Of LOCAL the family "is ignored" (section 2.2).
        var family = command == 0x20 ? (byte)0 : bytes[13];
        if (family is not (0x00 or 0x11 or 0x12 or 0x21 or 0x22 or 0x31 or 0x32))
            return Bad("the address family or the transport is unknown", out header);
        var length = FixedPart + BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        if (length > Longest)
            return Bad("the header is longer than 4096 bytes", out header);
        var addresses = (family >> 4) switch { 1 => 12, 2 => 36, 3 => 216, _ => 0 };
        if (length - FixedPart < addresses)
            return Bad("the header is too short for its addresses", out header);
        if (bytes.Length < length)
            return ProxyHeaderState.NeedMore;
        var whole = bytes[..length];
        // Without a family nobody can tell where extensions would begin: the whole block is discarded, as the section has it for LOCAL.
        var isTls = false;
        if (family != 0 && Extensions(whole, FixedPart + addresses, out isTls) is { } fault)
            return Bad(fault, out header);
        var block = whole[FixedPart..];
        header = (family >> 4) switch
        {
            1 => new ProxyHeader { Source = EndPoint(block, 0, 4, 8), Destination = EndPoint(block, 4, 4, 10), IsTls = isTls },
            2 => new ProxyHeader { Source = EndPoint(block, 0, 16, 32), Destination = EndPoint(block, 16, 16, 34), IsTls = isTls },
            _ => new ProxyHeader { IsTls = isTls },
        };
        consumed = length;
        return ProxyHeaderState.Header;
    }

    private static IPEndPoint EndPoint(ReadOnlySpan<byte> block, int address, int width, int port) =>
        EndPoint(new IPAddress(block.Slice(address, width)), BinaryPrimitives.ReadUInt16BigEndian(block[port..]));

    private static string? Extensions(ReadOnlySpan<byte> header, int at, out bool isTls)
    {
        isTls = false;
        var hasChecksum = false;
        while (at < header.Length)
        {
            if (header.Length - at < 3)
                return "an extension is cut short";
            var type = header[at];
            var length = BinaryPrimitives.ReadUInt16BigEndian(header[(at + 1)..]);
            at += 3;
            if (header.Length - at < length)
                return "an extension is longer than the header";
            if (type == TlvChecksum)
            {
                // A second one would have us count 4 KiB again for each of six hundred.
                if (hasChecksum || length != 4)
                    return "the checksum stands there twice, or has not four bytes";
                hasChecksum = true;
                if (Crc32C(header, at) != BinaryPrimitives.ReadUInt32BigEndian(header[at..]))
                    return "the checksum is wrong";
            }
            else if (type == TlvTls && length > 0)
            {
                isTls = (header[at] & 1) != 0;
            }
            at += length;
        }
        return null;
    }

    /// <summary>Of the whole header, with the four bytes at the checksum's place taken for zero (section 2.2.4).</summary>
    private static uint Crc32C(ReadOnlySpan<byte> header, int place)
    {
        var crc = uint.MaxValue;
        for (var i = 0; i < header.Length; i++)
            crc = BitOperations.Crc32C(crc, i >= place && i < place + 4 ? (byte)0 : header[i]);
        return ~crc;
    }

    private static ProxyHeaderState Bad(string fault, out ProxyHeader header)
    {
        header = new ProxyHeader { Fault = fault };
        return ProxyHeaderState.Bad;
    }
}
