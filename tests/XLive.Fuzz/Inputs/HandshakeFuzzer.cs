using System.Buffers;
using System.Security.Cryptography;
using XLive.Fuzz.Engine;
using XLive.Media.Rtmp;

namespace XLive.Fuzz.Inputs;

/// <summary>C0, C1 and C2, signed by either scheme or not. The answer is told by a second writing of the digest, and is the same in whatever pieces they come.</summary>
public sealed class HandshakeFuzzer : Fuzzer<byte[]>
{
    private const int Length = ServerHandshake.PacketLength;

    private readonly ArrayBufferWriter<byte> _output = new(4 * Length);

    public override string Name => "handshake";

    public override string Target => "`ServerHandshake`, `HandshakeDigest`";

    protected override string[] Tokens { get; } = ["\x03", "\0\0\0\0", "\x06", "\x20", "\x16", "GET / HTTP/1.1\r\n", "\xff\xff\xff\xff"];

    // Two HMACs over 1.5 KiB for each scheme, and two more for the answer; with the machine's instructions for SHA-256 6 us, without 40.
    protected override TimeSpan Patience => TimeSpan.FromMilliseconds(3);

    protected override string Generate(Dice dice)
    {
        var c1 = new byte[Length];
        dice.Fill(c1);
        if (dice.OneIn(4))
            c1.AsSpan(4, 4).Clear();
        else if (!dice.OneIn(4))
            HandshakeDigest.SignClient(c1, dice.Below(2));
        var c2 = new byte[Length];
        return (char)(dice.OneIn(10) ? dice.Below(256) : 3) + Latin(c1) + Latin(c2) + dice.Pick("", "\x43", "GET");
    }

    protected override byte[] Read(string input) => Bytes(input);

    protected override bool Parse(byte[] input) => InPieces(input, input.Length) is not null;

    protected override void Verify(byte[] input, bool accepted)
    {
        FuzzFailure.Equal(accepted, input.Length == 0 || input[0] is >= 3 and < 32 and not 0x16, "taken");
        if (!accepted)
            return;
        var answer = InPieces(input, input.Length)!;
        FuzzFailure.Equal(input.Length > Length ? 1 + (2 * Length) : 0, answer.Length, "the answer's length");
        FuzzFailure.Same(answer, InPieces(input, 1 + (input.Length % 1700))!, "in pieces");
        if (answer.Length == 0)
            return;
        // An answer costs four HMACs: one cut an input. Over a million of them each place comes some three hundred times.
        var cut = 1 + (BitConverter.ToUInt16([input[^1], input[input.Length / 3]]) % input.Length);
        FuzzFailure.Same(answer, InPieces(input, cut)!, "cut");

        var c1 = input.AsSpan(1, Length);
        var s1 = answer.AsSpan(1, Length);
        var s2 = answer.AsSpan(1 + Length, Length);
        var scheme = c1[4..8].IndexOfAnyExcept((byte)0) < 0 ? -1
            : Digest(c1, 8, "Genuine Adobe Flash Player 001"u8) ? 8
            : Digest(c1, 772, "Genuine Adobe Flash Player 001"u8) ? 772 : -1;
        if (scheme < 0)
        {
            FuzzFailure.Same(c1[..4], s2[..4], "the echoed time");
            FuzzFailure.Same(c1[8..], s2[8..], "the echo");
        }
        else
        {
            FuzzFailure.Unless(Digest(s1, scheme, "Genuine Adobe Flash Media Server 001"u8));
        }
    }

    private static bool Digest(ReadOnlySpan<byte> packet, int place, ReadOnlySpan<byte> key)
    {
        var at = place + 4 + ((packet[place] + packet[place + 1] + packet[place + 2] + packet[place + 3]) % 728);
        byte[] rest = [.. packet[..at], .. packet[(at + 32)..]];
        return packet.Slice(at, 32).SequenceEqual(HMACSHA256.HashData(key, rest));
    }

    private byte[]? InPieces(byte[] input, int size)
    {
        _output.ResetWrittenCount();
        var handshake = new ServerHandshake(new Random(1));
        try
        {
            for (var at = 0; at < input.Length && !handshake.IsDone; at += size)
                handshake.Read(input.AsSpan(at, Math.Min(size, input.Length - at)), 7, _output);
        }
        catch (RtmpException)
        {
            return null;
        }
        return _output.WrittenSpan.ToArray();
    }
}
