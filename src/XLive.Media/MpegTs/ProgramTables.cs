using System.Buffers.Binary;

namespace XLive.Media.MpegTs;

/// <summary>
/// PAT and PMT of one program, a packet each (ISO/IEC 13818-1 2.4.4). Made anew when the tracks change, then with another version, so that a
/// player that goes on from segment to segment notices.
/// </summary>
internal sealed class ProgramTables
{
    public const int Length = 2 * Packet.Length;
    public const int VideoPid = 0x100;
    public const int AudioPid = 0x101;

    private const int PmtPid = 0x1000;
    private const byte H264 = 0x1B;
    private const byte Hevc = 0x24;
    private const byte Ac3 = 0x81; // of ATSC (A/52 A4.1), and HLS's
    private const byte AacAdts = 0x0F;
    private const byte Mpeg1Audio = 0x03;
    private const byte None = 0;

    private readonly byte[] _packets = new byte[Length];
    private byte _version = 31;
    private (byte Video, byte Audio) _types;

    public ProgramTables()
    {
        // transport_stream_id 1, program 1
        Section(_packets.AsSpan(0, Packet.Length), 0, [0x00, 0x01, 0xC1, 0, 0, 0x00, 0x01, 0xE0 | (PmtPid >> 8), PmtPid & 0xFF]);
    }

    /// <summary>continuity_counter of both.</summary>
    public byte Counter { get; set; }

    public int ClockPid => _types.Video != None ? VideoPid : AudioPid;

    /// <summary>Another version where they are not those of before.</summary>
    public void Describe(Track? video, Track? audio)
    {
        var types = TypesOf(video, audio);
        if (types == _types)
            return;
        Describe(types);
    }

    /// <summary>A track more in what nobody has seen yet: its tables are mended where they stand.</summary>
    public void Amend(Span<byte> written, Track? video, Track? audio)
    {
        Describe(TypesOf(video, audio));
        for (; written.Length >= Packet.Length; written = written[Packet.Length..])
        {
            if ((BinaryPrimitives.ReadUInt16BigEndian(written[1..]) & 0x1FFF) != PmtPid)
                continue;
            var counter = written[3];
            _packets.AsSpan(Packet.Length).CopyTo(written);
            written[3] = counter;
        }
    }

    public void Write(Span<byte> output)
    {
        _packets.CopyTo(output);
        output[3] = (byte)(0x10 | Counter);
        output[Packet.Length + 3] = (byte)(0x10 | Counter);
        Counter = (byte)((Counter + 1) & 15);
    }

    private static (byte Video, byte Audio) TypesOf(Track? video, Track? audio) =>
        (video?.Codec switch { null => None, Codec.Hevc => Hevc, _ => H264 }, audio?.Codec switch { null => None, Codec.Mp3 => Mpeg1Audio, Codec.Ac3 => Ac3, _ => AacAdts });

    private void Describe((byte Video, byte Audio) types)
    {
        _types = types;
        _version = (byte)((_version + 1) & 31);
        Span<byte> body = stackalloc byte[32];
        // program 1, no descriptors
        ReadOnlySpan<byte> head = [0x00, 0x01, (byte)(0xC1 | (_version << 1)), 0, 0, (byte)(0xE0 | (ClockPid >> 8)), (byte)(ClockPid & 0xFF), 0xF0, 0];
        head.CopyTo(body);
        var length = head.Length;
        if (types.Video != None)
            length = Stream(body, length, types.Video, VideoPid);
        if (types.Audio != None)
            length = Stream(body, length, types.Audio, AudioPid);
        Section(_packets.AsSpan(Packet.Length), PmtPid, body[..length]);
    }

    private static int Stream(Span<byte> body, int at, byte type, int pid)
    {
        body[at] = type;
        BinaryPrimitives.WriteUInt16BigEndian(body[(at + 1)..], (ushort)(0xE000 | pid));
        // Beside ATSC 0x81 is anybody's, so it says whose (A/52 A4.3).
        var whose = type == Ac3 ? "\u0005\u0004AC-3"u8 : [];
        BinaryPrimitives.WriteUInt16BigEndian(body[(at + 3)..], (ushort)(0xF000 | whose.Length));
        whose.CopyTo(body[(at + 5)..]);
        return at + 5 + whose.Length;
    }

    private static void Section(Span<byte> packet, int pid, ReadOnlySpan<byte> body)
    {
        packet.Fill(0xFF);
        packet[0] = Packet.Sync;
        BinaryPrimitives.WriteUInt16BigEndian(packet[1..], (ushort)(0x4000 | pid));
        packet[3] = 0x10;
        packet[4] = 0; // pointer_field
        packet[5] = (byte)(pid == 0 ? 0 : 2); // table_id
        BinaryPrimitives.WriteUInt16BigEndian(packet[6..], (ushort)(0xB000 | (body.Length + 4)));
        body.CopyTo(packet[8..]);
        BinaryPrimitives.WriteUInt32BigEndian(packet[(8 + body.Length)..], Checksum(packet[5..(8 + body.Length)]));
    }

    /// <summary>Annex A: CRC-32 of 0x04C11DB7, not reflected, not inverted.</summary>
    private static uint Checksum(ReadOnlySpan<byte> section)
    {
        var crc = uint.MaxValue;
        foreach (var value in section)
        {
            crc ^= (uint)value << 24;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc << 1) ^ ((crc >> 31) * 0x04C1_1DB7);
        }
        return crc;
    }
}
