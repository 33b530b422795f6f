using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Text;
using XLive.Server.Door;
using XLive.Server.Door.Clients;

namespace XLive.Server.Tests.Door;

public class ProxyHeaderTests
{
    private const string Tail = "GET / HTTP/1.1\r\n\r\n";

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", "192.0.2.7:56324", "198.51.100.1:443")]
    [InlineData("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535", "255.255.255.255:65535")]
    [InlineData("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0", "0.0.0.0:0")]
    [InlineData("PROXY TCP6 2001:db8::7 ::1 56324 443\r\n", "[2001:db8::7]:56324", "[::1]:443")]
    [InlineData("PROXY TCP6 2001:DB8:0:0:0:0:0:7 :: 1 2\r\n", "[2001:db8::7]:1", "[::]:2")]
    [InlineData("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 1 2\r\n", "192.0.2.7:1", "198.51.100.1:2")]
    [InlineData("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")]
    [InlineData("PROXY UNKNOWN\r\n", null, null)]
    [InlineData("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", null, null)]
    [InlineData("PROXY UNKNOWN whatever else\r\n", null, null)]
    public void Line_is_read(string line, string? source, string? destination) => AssertHeader(Latin1(line), source, destination);

    [Theory]
    [InlineData("PROXY\r\n")]
    [InlineData("PROXY \r\n")]
    [InlineData("PROXYX / HTTP/1.1\r\n")]
    [InlineData("PROXY / HTTP/1.1\r\n")]
    [InlineData("PROXY UNKNOWNER\r\n")]
    [InlineData("PROXY UNKNOWN\nGET / HTTP/1.1\r\n")]
    [InlineData("PROXY UNKNOWN \rGET / HTTP/1.1\r\n")]
    [InlineData("PROXY UNKNOWN \u00e9\r\n")]
    [InlineData("PROXY TCP5 192.0.2.7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY tcp4 192.0.2.7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP4\r\n")]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n")]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n")]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n")]
    [InlineData("PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY  TCP4 192.0.2.7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP4\t192.0.2.7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n\r\n")]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\0\r\n")]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 -1 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 +1 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 65536 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 1 99999999999\r\n")]
    [InlineData("PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.07 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP4 3221225991 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP4 0x7f.0.0.1 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP4 2001:db8::7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP6 192.0.2.7 2001:db8::1 1 2\r\n")]
    [InlineData("PROXY TCP6 2001:db8::7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP6 fe80::7%eth0 2001:db8::1 1 2\r\n")]
    [InlineData("PROXY TCP6 [2001:db8::7] 2001:db8::1 1 2\r\n")]
    [InlineData("PROXY TCP6 1::2::3 2001:db8::1 1 2\r\n")]
    [InlineData("PROXY TCP6 12345:: 2001:db8::1 1 2\r\n")]
    public void Faulty_line_is_bad(string line) => AssertBad(Latin1(line));

    [Fact]
    public void Line_ends_within_107_bytes()
    {
        var start = "PROXY UNKNOWN ";
        AssertHeader(Latin1(start + new string('x', 105 - start.Length) + "\r\n"), null, null);
        AssertBad(Latin1(start + new string('x', 106 - start.Length) + "\r\n"));
        AssertBad(Latin1(start + new string('x', 5000)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("P")]
    [InlineData("PROXY")]
    [InlineData("PROXY UNKNOWN")]
    [InlineData("PROXY UNKNOWN\r")]
    [InlineData("\r")]
    [InlineData("\r\n\r\n\0\r\nQUIT\n")]
    public void Beginning_of_a_header_waits(string beginning) =>
        Assert.Equal(ProxyHeaderState.NeedMore, ProxyHeader.Parse(Latin1(beginning), out _, out _));

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("PUT / HTTP/1.1\r\n")]
    [InlineData("PROPFIND / HTTP/1.1\r\n")]
    [InlineData("proxy UNKNOWN\r\n")]
    [InlineData(" PROXY UNKNOWN\r\n")]
    [InlineData("\r\nGET / HTTP/1.1\r\n")]
    [InlineData("\r\n\r\nGET / HTTP/1.1\r\n")]
    [InlineData("\r\n\r\n\0\r\nQUIT\r")]
    [InlineData("\x16\x03\x01\x02\0\x01")]
    [InlineData("\0")]
    public void Anything_else_is_no_header(string bytes) => AssertSteady(Latin1(bytes), ProxyHeaderState.NotProxy);

    [Theory]
    [InlineData(0x11)]
    [InlineData(0x12)]
    public void Binary_IPv4_is_read(byte family) =>
        AssertHeader(Binary(0x21, family, Ipv4), "192.0.2.7:56324", "198.51.100.1:443");

    [Theory]
    [InlineData(0x21)]
    [InlineData(0x22)]
    public void Binary_IPv6_is_read(byte family) =>
        AssertHeader(Binary(0x21, family, Ipv6("2001:db8::7", "2001:db8::1")), "[2001:db8::7]:56324", "[2001:db8::1]:443");

    [Fact]
    public void Mapped_IPv6_is_the_IPv4_address() =>
        AssertHeader(Binary(0x21, 0x21, Ipv6("::ffff:192.0.2.7", "::ffff:198.51.100.1")), "192.0.2.7:56324", "198.51.100.1:443");

    [Fact]
    public void Unix_sockets_and_unspecified_families_have_no_address()
    {
        AssertHeader(Binary(0x21, 0x31, new byte[216]), null, null);
        AssertHeader(Binary(0x21, 0x32, new byte[216]), null, null);
        AssertHeader(Binary(0x21, 0x00, []), null, null);
        AssertHeader(Binary(0x21, 0x00, [0xFF, 0xFF]), null, null);
    }

    [Fact]
    public void Local_discards_its_block_whatever_it_is()
    {
        AssertHeader(Binary(0x20, 0x00, []), null, null);
        AssertHeader(Binary(0x20, 0x11, Ipv4), null, null);
        AssertHeader(Binary(0x20, 0x11, [1, 2]), null, null);
        AssertHeader(Binary(0x20, 0xFF, new byte[300]), null, null);
    }

    [Theory]
    [InlineData(0x11, 0x11)]
    [InlineData(0x01, 0x11)]
    [InlineData(0x31, 0x11)]
    [InlineData(0x22, 0x11)]
    [InlineData(0x2F, 0x11)]
    [InlineData(0x21, 0x01)]
    [InlineData(0x21, 0x10)]
    [InlineData(0x21, 0x13)]
    [InlineData(0x21, 0x20)]
    [InlineData(0x21, 0x41)]
    [InlineData(0x21, 0xFF)]
    public void Unknown_version_command_or_family_is_bad(byte command, byte family) => AssertBad(Binary(command, family, new byte[300]));

    [Fact]
    public void Block_shorter_than_its_addresses_is_bad()
    {
        AssertBad(Binary(0x21, 0x11, Ipv4[..11]));
        AssertBad(Binary(0x21, 0x21, new byte[35]));
        AssertBad(Binary(0x21, 0x31, new byte[215]));
    }

    [Fact]
    public void Header_is_at_most_4096_bytes()
    {
        AssertHeader(Binary(0x21, 0x11, [.. Ipv4, .. Tlv(4, new byte[4096 - 16 - 12 - 3])]), "192.0.2.7:56324", "198.51.100.1:443");
        AssertBad(Binary(0x21, 0x11, [.. Ipv4, .. Tlv(4, new byte[4096 - 16 - 12 - 3 + 1])]));
        AssertBad(Binary(0x20, 0x00, new byte[65535]));
    }

    [Fact]
    public void Extensions_are_skipped()
    {
        byte[] block = [.. Ipv4, .. Tlv(1, "h2"u8), .. Tlv(2, "example.org"u8), .. Tlv(4, []), .. Tlv(0xEA, new byte[22])];
        AssertHeader(Binary(0x21, 0x11, block), "192.0.2.7:56324", "198.51.100.1:443");
    }

    [Fact]
    public void Extension_that_leaves_the_header_is_bad()
    {
        AssertBad(Binary(0x21, 0x11, [.. Ipv4, 4]));
        AssertBad(Binary(0x21, 0x11, [.. Ipv4, 4, 0]));
        AssertBad(Binary(0x21, 0x11, [.. Ipv4, 4, 0, 1]));
        AssertBad(Binary(0x21, 0x11, [.. Ipv4, 4, 0xFF, 0xFF, 1]));
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(7, true)]
    [InlineData(0, false)]
    [InlineData(6, false)]
    public void Extension_tells_that_the_client_came_over_TLS(byte flags, bool isTls)
    {
        ProxyHeader.Parse(Binary(0x21, 0x11, [.. Ipv4, .. Tlv(0x20, [flags, 0, 0, 0, 0])]), out var header, out _);
        Assert.Equal(isTls, header.IsTls);
    }

    [Fact]
    public void Checksum_is_verified_where_there_is_one()
    {
        var right = WithChecksum();
        AssertHeader(right, "192.0.2.7:56324", "198.51.100.1:443");
        for (var at = 16; at < right.Length; at++)
        {
            var wrong = right.ToArray();
            wrong[at] ^= 0x10;
            // Its own type changed makes it another extension, and the header one without a checksum.
            if (at != 16 + 12)
                Assert.False(ProxyHeader.Parse(wrong, out _, out _) == ProxyHeaderState.Header, $"accepted with byte {at} changed");
        }
        AssertBad(Binary(0x21, 0x11, [.. Ipv4, .. Tlv(3, new byte[3])]));
        AssertBad(Binary(0x21, 0x11, [.. Ipv4, .. Tlv(3, new byte[5])]));
    }

    // The check value of CRC-32C for "123456789" is E3069283 (RFC 3720 appendix B.4 has others); this goes bit by bit.
    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var i = 0; i < 8; i++)
                crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82F63B78 : crc >> 1;
        }
        return ~crc;
    }

    [Fact]
    public void Checksum_of_this_test_is_CRC_32C() => Assert.Equal(0xE3069283, Crc32C("123456789"u8));

    private static byte[] WithChecksum()
    {
        var header = Binary(0x21, 0x11, [.. Ipv4, .. Tlv(3, new byte[4]), .. Tlv(4, new byte[7])]);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(16 + 12 + 3), Crc32C(header));
        return header;
    }

    private static readonly byte[] Ipv4 = [192, 0, 2, 7, 198, 51, 100, 1, 0xDC, 0x04, 0x01, 0xBB];

    private static byte[] Ipv6(string source, string destination) =>
        [.. IPAddress.Parse(source).GetAddressBytes(), .. IPAddress.Parse(destination).GetAddressBytes(), 0xDC, 0x04, 0x01, 0xBB];

    private static byte[] Tlv(byte type, ReadOnlySpan<byte> value) => [type, (byte)(value.Length >> 8), (byte)value.Length, .. value];

    private static byte[] Binary(byte command, byte family, ReadOnlySpan<byte> block) =>
        [.. "\r\n\r\n\0\r\nQUIT\n"u8, command, family, (byte)(block.Length >> 8), (byte)block.Length, .. block];

    private static byte[] Latin1(string text) => Encoding.Latin1.GetBytes(text);

    private static void AssertHeader(byte[] bytes, string? source, string? destination)
    {
        byte[] stream = [.. bytes, .. Latin1(Tail)];
        Assert.Equal(ProxyHeaderState.Header, ProxyHeader.Parse(stream, out var header, out var consumed));
        Assert.Equal(bytes.Length, consumed);
        Assert.Equal(source, header.Source?.ToString());
        Assert.Equal(destination, header.Destination?.ToString());
        Assert.Null(header.Fault);
        for (var length = 0; length < bytes.Length; length++)
            Assert.Equal(ProxyHeaderState.NeedMore, ProxyHeader.Parse(stream.AsSpan(0, length), out _, out _));
        AssertSteady(stream, ProxyHeaderState.Header);
    }

    private static void AssertBad(byte[] bytes)
    {
        byte[] stream = [.. bytes, .. Latin1(Tail)];
        AssertSteady(stream, ProxyHeaderState.Bad);
        ProxyHeader.Parse(stream, out var header, out _);
        Assert.False(string.IsNullOrEmpty(header.Fault));
    }

    /// <summary>The same however the bytes arrive: each beginning waits or already has the final answer, in one piece or in two.</summary>
    private static void AssertSteady(byte[] stream, ProxyHeaderState state)
    {
        Assert.Equal(state, ProxyHeader.Parse(stream, out var whole, out var consumed));
        for (var length = 0; length <= Math.Min(stream.Length, ProxyHeader.Longest + 10); length++)
        {
            var beginning = stream.AsMemory(0, length);
            var got = ProxyHeader.Parse(beginning.Span, out var header, out var n);
            if (got != ProxyHeaderState.NeedMore)
                Assert.Equal((state, whole, consumed), (got, header, n));
            var pieces = InPieces(stream.AsMemory(0, length), stream.AsMemory(length));
            Assert.Equal(state, ProxyHeader.Parse(pieces, out header, out n));
            Assert.Equal((whole, consumed), (header, n));
        }
    }

    private static ReadOnlySequence<byte> InPieces(ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second)
    {
        var head = new Piece(first, null);
        var tail = new Piece(second, head);
        return new ReadOnlySequence<byte>(head, 0, tail, second.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, Piece? before)
        {
            Memory = memory;
            if (before is null)
                return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
