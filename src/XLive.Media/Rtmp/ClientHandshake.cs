using System.Buffers;
using System.Buffers.Binary;

namespace XLive.Media.Rtmp;

/// <summary>The simple one of the specification (5.2): every server that is asked for nothing more has it.</summary>
public sealed class ClientHandshake
{
    private const int Length = ServerHandshake.PacketLength;

    private readonly byte[] _s1 = new byte[Length];
    private int _read; // of S0, S1 and S2 together

    public bool IsDone => _read == 1 + Length + Length;

    public static void Begin(uint now, Random random, IBufferWriter<byte> output)
    {
        var place = output.GetSpan(1 + Length)[..(1 + Length)];
        place[0] = ServerHandshake.Version;
        BinaryPrimitives.WriteUInt32BigEndian(place[1..], now);
        place[5..9].Clear();
        random.NextBytes(place[9..]);
        output.Advance(1 + Length);
    }

    /// <returns>How much of the input belonged to it.</returns>
    public int Read(ReadOnlySpan<byte> input, uint now, IBufferWriter<byte> output)
    {
        var rest = input;
        if (_read == 0 && !rest.IsEmpty)
        {
            if (rest[0] != ServerHandshake.Version)
                throw new RtmpException(RtmpFault.NotRtmp, $"a server that answers with version {rest[0]}");
            rest = rest[1..];
            _read++;
        }
        if (_read is >= 1 and < 1 + Length)
        {
            int taken = Math.Min(rest.Length, 1 + Length - _read);
            rest[..taken].CopyTo(_s1.AsSpan(_read - 1));
            rest = rest[taken..];
            _read += taken;
            if (_read == 1 + Length)
            {
                BinaryPrimitives.WriteUInt32BigEndian(_s1.AsSpan(4), now);
                output.Write(_s1);
            }
        }
        if (_read > Length)
        {
            int taken = Math.Min(rest.Length, 1 + Length + Length - _read);
            rest = rest[taken..];
            _read += taken;
        }
        return input.Length - rest.Length;
    }
}
