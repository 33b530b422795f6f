using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using XLive.Fuzz.Engine;
using XLive.Server.Door;
using XLive.Server.Door.Clients;

namespace XLive.Fuzz.Inputs;

/// <summary>PROXY headers of both versions, whole, cut off after each byte, and in pieces: the bytes decide, not how they come.</summary>
public sealed partial class ProxyHeaderFuzzer : Fuzzer<byte[]>, IDisposable
{
    private const string Signature = "\r\n\r\n\0\r\nQUIT\n";
    private const int MostCuts = 300;

    // Of the addresses of each kind: none, IPv4, IPv6, Unix.
    private static readonly int[] Widths = [0, 12, 36, 216];

    private readonly GuardedBuffer<byte> _bytes = new();
    private ProxyHeader _header;
    private ProxyHeaderState _state;
    private int _consumed;

    public override string Name => "proxy-headers";

    public override string Target => "`ProxyHeader`";

    protected override string[] Tokens { get; } =
    [
        "PROXY ", "PROXY TCP4 ", "TCP6 ", "UNKNOWN", " ", "  ", "\r\n", "\n", "\r", "\0", Signature, "\r\n\r\n", "192.0.2.1", "2001:db8::1", "::ffff:1.2.3.4", "fe80::1%1", "0", "00", "65535", "65536", "-1", "+1",
        "\u0021", "\u0020", "\u0011", "\u0012", "\u0022", "\u0031", "\u00ff\u00ff", "\0\u000c", "\0\u0024", "\u0003\0\u0004", "\u0020\0\u0005\u0001", "GET / HTTP/1.1\r\n\r\n", "proxy ", "PROXY", "\u0016\u0003\u0001",
    ];

    protected override string Generate(Dice dice) => (dice.OneIn(2) ? Line(dice) : Binary(dice)) + dice.Pick("", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\u0016\u0003\u0001");

    private static string Address(Dice dice, int width)
    {
        Span<byte> bytes = stackalloc byte[width];
        dice.Fill(bytes);
        if (width == 16 && dice.OneIn(4))
            "\0\0\0\0\0\0\0\0\0\0\u00ff\u00ff".Select(static c => (byte)c).ToArray().CopyTo(bytes);
        return new IPAddress(bytes).ToString();
    }

    private static string Line(Dice dice)
    {
        if (dice.OneIn(6))
            return "PROXY UNKNOWN" + dice.Pick("", " ffff:f...f:ffff ffff:f...f:ffff 65535 65535", " anything") + "\r\n";
        var width = dice.OneIn(2) ? 4 : 16;
        return $"PROXY TCP{(width == 4 ? 4 : 6)} {Address(dice, width)} {Address(dice, width)} {dice.Below(65536)} {dice.Below(65536)}\r\n";
    }

    private static string Binary(Dice dice)
    {
        var family = dice.Pick<byte>([0x11, 0x21, 0x11, 0x21, 0x12, 0x22, 0x31, 0x32, 0x00]);
        var addresses = new byte[Widths[family >> 4]];
        dice.Fill(addresses);
        var block = new List<byte>(addresses);
        for (var n = dice.Below(3); n > 0; n--)
        {
            var value = new byte[dice.OneIn(30) ? dice.Below(5000) : dice.Below(20)];
            dice.Fill(value);
            block.AddRange([dice.Pick<byte>([1, 2, 4, 5, 0x20, 0x20, 0x30]), (byte)(value.Length >> 8), (byte)value.Length, .. value]);
        }
        var sum = dice.OneIn(2) ? block.Count + 3 : -1;
        if (sum >= 0)
            block.AddRange([3, 0, 4, 0, 0, 0, 0]);
        byte[] header = [.. Bytes(Signature), dice.Pick<byte>([0x21, 0x21, 0x21, 0x20]), family, (byte)(block.Count >> 8), (byte)block.Count, .. block];
        if (sum >= 0)
            BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(16 + sum), Checksum(header));
        return Latin(header);
    }

    protected override byte[] Read(string input)
    {
        var bytes = Bytes(input);
        _bytes.Put(bytes);
        return bytes;
    }

    protected override bool Parse(byte[] input)
    {
        _state = ProxyHeader.Parse(_bytes.GetSpan(), out _header, out _consumed);
        return _state == ProxyHeaderState.Header;
    }

    protected override void Verify(byte[] input, bool accepted)
    {
        var (state, header, consumed) = (_state, _header, _consumed);
        FuzzFailure.Equal(Reading(input, out var source, out var destination, out var isTls, out var length), state, $"state ({header.Fault})");
        FuzzFailure.Equal((source?.ToString(), destination?.ToString(), isTls, length), (header.Source?.ToString(), header.Destination?.ToString(), header.IsTls, consumed), "header");
        FuzzFailure.Equal(state == ProxyHeaderState.Bad, header.Fault is not null, "a fault where it is bad");
        var decided = false;
        for (var cut = 0; cut <= Math.Min(input.Length, MostCuts); cut++)
        {
            var early = ProxyHeader.Parse(_bytes.Put(input.AsSpan(0, cut)), out var part, out var partConsumed);
            FuzzFailure.Unless(!decided || early == state, "decided, and then otherwise");
            decided |= early != ProxyHeaderState.NeedMore;
            if (decided)
                FuzzFailure.Equal((state, header, consumed), (early, part, partConsumed), $"after {cut} bytes");
            FuzzFailure.Equal(state, ProxyHeader.Parse(Pieces(input, cut), out var pieced, out var piecedConsumed), $"in two pieces, cut at {cut}");
            FuzzFailure.Equal((header, consumed), (pieced, piecedConsumed), $"in two pieces, cut at {cut}");
        }
        var all = Enumerable.Range(0, Math.Min(input.Length, MostCuts)).ToArray();
        FuzzFailure.Equal(state, ProxyHeader.Parse(Pieces(input, all), out var crumbs, out _), "byte by byte");
        FuzzFailure.Equal(header, crumbs, "byte by byte");
    }

    private static ProxyHeaderState Reading(byte[] bytes, out IPEndPoint? source, out IPEndPoint? destination, out bool isTls, out int length)
    {
        (source, destination, isTls, length) = (null, null, false, 0);
        var text = Latin(bytes);
        if (text.StartsWith("PROXY", StringComparison.Ordinal))
        {
            var line = V1().Match(text);
            if (!line.Success)
                return text.IndexOf("\r\n", StringComparison.Ordinal) is >= 0 and < 106 || text.Length >= 107 ? ProxyHeaderState.Bad : ProxyHeaderState.NeedMore;
            if (line.Groups["family"].Success)
            {
                var family = line.Groups["family"].Value == "4" ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
                source = EndPoint(line.Groups["source"].Value, line.Groups["from"].Value, family);
                destination = EndPoint(line.Groups["destination"].Value, line.Groups["to"].Value, family);
                if (source is null || destination is null)
                {
                    (source, destination) = (null, null);
                    return ProxyHeaderState.Bad;
                }
            }
            length = line.Length;
            return ProxyHeaderState.Header;
        }
        if (!text.StartsWith(Signature, StringComparison.Ordinal))
            return "PROXY".StartsWith(text, StringComparison.Ordinal) || Signature.StartsWith(text, StringComparison.Ordinal) ? ProxyHeaderState.NeedMore : ProxyHeaderState.NotProxy;
        return V2(bytes, ref source, ref destination, ref isTls, ref length);
    }

    private static IPEndPoint? EndPoint(string address, string port, AddressFamily family)
    {
        // IPAddress alone would take a scope, brackets, 0x7f and 010 too.
        var plain = family == AddressFamily.InterNetwork ? V4().IsMatch(address) : V6().IsMatch(address) && (!address.Contains('.') || V4().IsMatch(address[(address.LastIndexOf(':') + 1)..]));
        return plain && IPAddress.TryParse(address, out var ip) && ip.AddressFamily == family && int.Parse(port) <= 65535 ? Plain(ip, int.Parse(port)) : null;
    }

    private static IPEndPoint Plain(IPAddress address, int port) => new(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, port);

    private static ProxyHeaderState V2(byte[] bytes, ref IPEndPoint? source, ref IPEndPoint? destination, ref bool isTls, ref int length)
    {
        if (bytes.Length < 13)
            return ProxyHeaderState.NeedMore;
        if (bytes[12] is not (0x20 or 0x21))
            return ProxyHeaderState.Bad;
        if (bytes.Length < 16)
            return ProxyHeaderState.NeedMore;
        var (kind, transport) = bytes[12] == 0x20 ? (0, 0) : (bytes[13] / 16, bytes[13] % 16);
        var room = (bytes[14] * 256) + bytes[15];
        if (kind > 3 || transport > 2 || (kind == 0) != (transport == 0) || room > 4080 || room < Widths[kind])
            return ProxyHeaderState.Bad;
        if (bytes.Length < 16 + room)
            return ProxyHeaderState.NeedMore;
        var header = bytes[..(16 + room)];
        if (kind > 0)
        {
            var rest = header.Skip(16 + Widths[kind]).ToArray();
            var sums = 0;
            while (rest.Length > 0)
            {
                if (rest.Length < 3 || rest.Length < 3 + (rest[1] * 256) + rest[2])
                    return Bad(ref isTls);
                var value = rest[3..(3 + (rest[1] * 256) + rest[2])];
                if (rest[0] == 0x20 && value.Length > 0)
                    isTls = value[0] % 2 == 1;
                if (rest[0] == 3)
                {
                    byte[] zeroed = [.. header];
                    if (++sums > 1 || value.Length != 4)
                        return Bad(ref isTls);
                    Array.Clear(zeroed, header.Length - rest.Length + 3, 4);
                    if (Checksum(zeroed) != BinaryPrimitives.ReadUInt32BigEndian(value))
                        return Bad(ref isTls);
                }
                rest = rest[(3 + value.Length)..];
            }
        }
        if (kind is 1 or 2)
        {
            var width = kind == 1 ? 4 : 16;
            source = Plain(new IPAddress(header[16..(16 + width)]), (header[16 + (2 * width)] * 256) + header[17 + (2 * width)]);
            destination = Plain(new IPAddress(header[(16 + width)..(16 + (2 * width))]), (header[18 + (2 * width)] * 256) + header[19 + (2 * width)]);
        }
        length = header.Length;
        return ProxyHeaderState.Header;

        static ProxyHeaderState Bad(ref bool isTls)
        {
            isTls = false;
            return ProxyHeaderState.Bad;
        }
    }

    /// <summary>CRC-32C, bit by bit (RFC 3720, appendix B.4).</summary>
    private static uint Checksum(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
        }
        return ~crc;
    }

    private static ReadOnlySequence<byte> Pieces(byte[] bytes, params ReadOnlySpan<int> cuts)
    {
        Piece? first = null, last = null;
        var from = 0;
        foreach (var cut in cuts)
        {
            last = new Piece(bytes.AsMemory(from..cut), last);
            first ??= last;
            from = cut;
        }
        last = new Piece(bytes.AsMemory(from..), last);
        return new ReadOnlySequence<byte>(first ?? last, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, Piece? before)
        {
            Memory = memory;
            if (before is null)
                return;
            before.Next = this;
            RunningIndex = before.RunningIndex + before.Memory.Length;
        }
    }

    public void Dispose() => ((IDisposable)_bytes).Dispose();

    [GeneratedRegex(@"\A(?=[^\n]{0,105}\r\n)PROXY (?:UNKNOWN(?: [ -~]*)?|TCP(?<family>[46]) (?<source>[^ \r]+) (?<destination>[^ \r]+) (?<from>0|[1-9][0-9]{0,4}) (?<to>0|[1-9][0-9]{0,4}))\r\n")]
    private static partial Regex V1();

    [GeneratedRegex(@"\A(?:(?:0|[1-9][0-9]{0,2})(?:\.|\z)){4}(?<=[0-9])\z")]
    private static partial Regex V4();

    [GeneratedRegex(@"\A[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\z")]
    private static partial Regex V6();
}
