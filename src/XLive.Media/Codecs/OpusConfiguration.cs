using System.Buffers.Binary;

namespace XLive.Media.Codecs;

/// <summary>The identification header of RFC 7845 5.1, OpusHead, as enhanced RTMP carries it; and what a packet tells of itself (RFC 6716 3.1).</summary>
public static class OpusConfiguration
{
    public const int SampleRate = 48_000;

    private const int Head = 19;
    private const int LongestPacket = 5760; // 120 ms, RFC 6716 3.2.5

    // Enhanced RTMP leaves it out where nothing in it matters.
    private static ReadOnlySpan<byte> Stereo => "OpusHead\x01\x02\0\0\0\0\0\0\0\0\0"u8;

    /// <param name="track">Its configuration is the header without what may stand behind it.</param>
    public static bool TryRead(ReadOnlySpan<byte> header, out Track? track, out string fault)
    {
        track = null;
        if (header.IsEmpty)
            header = Stereo;
        fault = header.Length < Head ? "cut short"
            : !header.StartsWith("OpusHead"u8) ? "another name"
            : header[8] >> 4 != 0 ? "a version other than 0 and 1"
            : header[18] > 1 ? $"channel mapping family {header[18]}"
            : "";
        if (fault.Length == 0)
        {
            int channels = header[9];
            var length = header[18] == 0 ? Head : Head + 2 + channels;
            if (channels == 0 || channels > (header[18] == 0 ? 2 : 8))
                fault = $"{channels} channels";
            else if (header.Length < length)
                fault = "cut short";
            else if (header[18] == 1 && !IsMapping(header[Head], header[Head + 1], header.Slice(Head + 2, channels)))
                fault = "a channel of a stream that does not exist";
            header = header[..Math.Min(length, header.Length)];
        }
        if (fault.Length > 0)
        {
            fault = "the Opus header: " + fault;
            return false;
        }
        track = new Track
        {
            Kind = TrackKind.Audio,
            Codec = Codec.Opus,
            Configuration = header.ToArray(),
            CodecName = "Opus",
            SampleRate = SampleRate,
            Channels = header[9],
        };
        return true;
    }

    /// <summary>How many samples at 48 kHz; 0: it is no packet.</summary>
    public static int SamplesOf(ReadOnlySpan<byte> packet)
    {
        if (packet.IsEmpty)
            return 0;
        var (kind, count) = (packet[0] >> 3, packet[0] & 3);
        var frame = kind < 12 ? (kind & 3) switch { 0 => 480, 1 => 960, 2 => 1920, _ => 2880 }
            : kind < 16 ? 480 << (kind & 1)
            : 120 << (kind & 3);
        var frames = count switch { 0 => 1, 3 => packet.Length > 1 ? packet[1] & 0x3F : 0, _ => 2 };
        return frames * frame <= LongestPacket ? frames * frame : 0;
    }

    /// <summary>The body of dOps (Opus in ISOBMFF 4.3.2): the same with version 0 and the high byte first.</summary>
    internal static void WriteBox(ReadOnlySpan<byte> header, Span<byte> output)
    {
        output[0] = 0;
        output[1] = header[9];
        BinaryPrimitives.WriteUInt16BigEndian(output[2..], BinaryPrimitives.ReadUInt16LittleEndian(header[10..]));
        BinaryPrimitives.WriteUInt32BigEndian(output[4..], BinaryPrimitives.ReadUInt32LittleEndian(header[12..]));
        BinaryPrimitives.WriteInt16BigEndian(output[8..], BinaryPrimitives.ReadInt16LittleEndian(header[16..]));
        header[18..].CopyTo(output[10..]);
    }

    internal static int BoxLength(ReadOnlySpan<byte> header) => header.Length - 8;

    private static bool IsMapping(int streams, int coupled, ReadOnlySpan<byte> mapping)
    {
        if (streams == 0 || coupled > streams || streams + coupled > 255)
            return false;
        foreach (var channel in mapping)
        {
            if (channel != 255 && channel >= streams + coupled)
                return false;
        }
        return true;
    }
}
