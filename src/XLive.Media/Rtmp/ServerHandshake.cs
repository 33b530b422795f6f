using System.Buffers;
using System.Buffers.Binary;

namespace XLive.Media.Rtmp;

/// <summary>
/// C0 C1 in, S0 S1 S2 out, C2 in (5.2). What C2 says nobody checks: GStreamer and several cameras send no echo. It has to have come before commands count.
/// </summary>
public sealed class ServerHandshake(Random random)
{
    public const int PacketLength = 1536;
    internal const byte Version = 3;

    // Above it the specification sees text (5.2.2): "G" of GET, 0x16 of a TLS ClientHello does not reach it and is refused by the same words.
    private const byte LastVersion = 31;
    private const byte TlsHandshake = 0x16;

    private readonly byte[] _c1 = new byte[PacketLength];
    private int _read; // of C0, C1 and C2 together

    public bool IsDone => _read == 1 + PacketLength + PacketLength;

    /// <returns>How much of the input belonged to it. What is behind is the first chunk.</returns>
    public int Read(ReadOnlySpan<byte> input, uint now, IBufferWriter<byte> output)
    {
        var rest = input;
        if (_read == 0 && !rest.IsEmpty)
        {
            if (rest[0] is < Version or > LastVersion or TlsHandshake)
                throw new RtmpException(RtmpFault.NotRtmp, $"a connection that begins with the byte {rest[0]} is no RTMP");
            rest = rest[1..];
            _read++;
        }
        if (_read is >= 1 and < 1 + PacketLength)
        {
            int taken = Math.Min(rest.Length, 1 + PacketLength - _read);
            rest[..taken].CopyTo(_c1.AsSpan(_read - 1));
            rest = rest[taken..];
            _read += taken;
            if (_read == 1 + PacketLength)
                Answer(now, output);
        }
        if (_read > PacketLength)
        {
            int taken = Math.Min(rest.Length, 1 + PacketLength + PacketLength - _read);
            rest = rest[taken..];
            _read += taken;
        }
        return input.Length - rest.Length;
    }

    private void Answer(uint now, IBufferWriter<byte> output)
    {
        const int length = 1 + PacketLength + PacketLength;
        var place = output.GetSpan(length)[..length];
        place[0] = Version;
        var s1 = place.Slice(1, PacketLength);
        var s2 = place.Slice(1 + PacketLength, PacketLength);

        random.NextBytes(s1[8..]);
        BinaryPrimitives.WriteUInt32BigEndian(s1, now);
        // A client that leaves the four bytes 0 is one of the specification's; a version there is Flash's, and mostly signed.
        int scheme = BinaryPrimitives.ReadUInt32BigEndian(_c1.AsSpan(4)) != 0 ? HandshakeDigest.SchemeOf(_c1) : -1;
        if (scheme >= 0)
        {
            // The version from which on clients expect a digest. nginx-rtmp says the same.
            BinaryPrimitives.WriteUInt32BigEndian(s1[4..], 0x0D0E0A0D);
            HandshakeDigest.SignServer(s1, scheme);
            random.NextBytes(s2);
            HandshakeDigest.SignReply(s2, _c1, scheme);
        }
        else
        {
            s1[4..8].Clear();
            // All of it, though the specification has our time at 4 (5.2.4): librtmp, and OBS with it, compares the whole and warns its user.
            _c1.CopyTo(s2);
        }
        output.Advance(length);
    }
}
