using System.Buffers.Binary;

namespace XLive.Media.MpegTs;

/// <summary>The header of a PES packet with its times, ISO/IEC 13818-1 2.4.3.6.</summary>
internal static class PesHeader
{
    public const byte Video = 0xE0;
    public const byte Audio = 0xC0;

    /// <summary>private_stream_1, as AC-3 goes (A/52 A4.2).</summary>
    public const byte PrivateAudio = 0xBD;
    public const int Longest = 19;

    public static int LengthOf(long decoded, long shown) => decoded == shown ? 14 : Longest;

    public static void Write(Span<byte> output, byte stream, long decoded, long shown, int payload)
    {
        var hasBoth = decoded != shown;
        BinaryPrimitives.WriteUInt32BigEndian(output, 0x100u | stream);
        // 0, "as long as it is", is allowed to video alone; where the length fits, a player need not wait for the next to know the end.
        var length = (hasBoth ? 13 : 8) + payload;
        BinaryPrimitives.WriteUInt16BigEndian(output[4..], (ushort)(length <= ushort.MaxValue ? length : 0));
        output[6] = 0x84; // data_alignment_indicator
        output[7] = (byte)(hasBoth ? 0xC0 : 0x80);
        output[8] = (byte)(hasBoth ? 10 : 5);
        WriteTime(output[9..], hasBoth ? 3 : 2, shown);
        if (hasBoth)
            WriteTime(output[14..], 1, decoded);
    }

    private static void WriteTime(Span<byte> output, int prefix, long time)
    {
        output[0] = (byte)((prefix << 4) | ((int)(time >> 29) & 0x0E) | 1);
        BinaryPrimitives.WriteUInt16BigEndian(output[1..], (ushort)(((time >> 14) & 0xFFFE) | 1));
        BinaryPrimitives.WriteUInt16BigEndian(output[3..], (ushort)(((time << 1) & 0xFFFE) | 1));
    }
}
