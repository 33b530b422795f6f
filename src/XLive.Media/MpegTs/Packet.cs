using System.Buffers.Binary;

namespace XLive.Media.MpegTs;

/// <summary>What a packet's adaptation field says, ISO/IEC 13818-1 2.4.3.4; its flags have the field's own bits.</summary>
internal readonly record struct Adaptation(byte Flags, long Clock)
{
    public const byte Discontinuity = 0x80;
    public const byte RandomAccess = 0x40;
    public const byte HasClock = 0x10;

    public int Length => Flags == 0 ? 0 : (Flags & HasClock) == 0 ? 2 : 8;

    /// <summary>Behind its length; the rest of the field is stuffing.</summary>
    public void Write(Span<byte> field)
    {
        field[0] = Flags;
        var at = 1;
        if ((Flags & HasClock) != 0)
        {
            // 33 bits of 90 kHz, 6 reserved, 9 of 27 MHz
            BinaryPrimitives.WriteUInt32BigEndian(field[1..], (uint)(Clock >> 1));
            field[5] = (byte)((Clock << 7) | 0x7E);
            field[6] = 0;
            at = 7;
        }
        field[at..].Fill(0xFF);
    }
}

/// <summary>
/// A PES packet cut into transport packets (2.4.3.2) whose number is known before: what is to be written is counted first, so that only the last is
/// filled up.
/// </summary>
internal ref struct Packet
{
    public const int Length = 188;
    public const byte Sync = 0x47;

    private const int Payload = Length - 4;

    private readonly Span<byte> _output;
    private readonly int _pid;
    private readonly ref byte _counter;
    private int _left;
    private int _at;
    private int _end;

    /// <param name="output">As long as <see cref="SpaceOf"/> says.</param>
    /// <param name="counter">continuity_counter of the PID; goes on.</param>
    public Packet(Span<byte> output, int pid, ref byte counter, int length, scoped in Adaptation adaptation)
    {
        _output = output;
        _pid = pid;
        _counter = ref counter;
        _left = length;
        Begin(0x4000, adaptation);
    }

    /// <summary>All packets of so many bytes.</summary>
    public static int SpaceOf(int length, in Adaptation adaptation)
    {
        var first = Payload - adaptation.Length;
        return Length * (length <= first ? 1 : 1 + ((length - first + Payload - 1) / Payload));
    }

    /// <summary>A packet with nothing but a clock. Its counter stays (2.4.3.3: it counts payloads).</summary>
    public static void WriteClock(Span<byte> output, int pid, byte counter, in Adaptation adaptation)
    {
        output[0] = Sync;
        BinaryPrimitives.WriteUInt16BigEndian(output[1..], (ushort)pid);
        output[3] = (byte)(0x20 | ((counter - 1) & 15));
        output[4] = Payload - 1;
        adaptation.Write(output[5..Length]);
    }

    public void Write(scoped ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            var room = _end - _at;
            if (bytes.Length <= room)
            {
                bytes.CopyTo(_output[_at..]);
                _at += bytes.Length;
                return;
            }
            bytes[..room].CopyTo(_output[_at..]);
            bytes = bytes[room..];
            _at = _end;
            Begin(0, default);
        }
    }

    private void Begin(int start, scoped in Adaptation adaptation)
    {
        var field = adaptation.Length;
        if (_left < Payload - field)
            field = Payload - _left;
        var packet = _output.Slice(_at, Length);
        packet[0] = Sync;
        BinaryPrimitives.WriteUInt16BigEndian(packet[1..], (ushort)(start | _pid));
        packet[3] = (byte)((field > 0 ? 0x30 : 0x10) | _counter);
        _counter = (byte)((_counter + 1) & 15);
        if (field > 0)
        {
            packet[4] = (byte)(field - 1);
            if (field > 1)
                adaptation.Write(packet.Slice(5, field - 1));
        }
        _left -= Payload - field;
        _at += 4 + field;
        _end = _at + Payload - field;
    }
}
