using System.Buffers.Binary;

namespace XLive.Media.Codecs;

/// <summary>A FLAC stream's signature and STREAMINFO (RFC 9639 8.2), as enhanced RTMP carries them; and what a frame tells of itself (9.1).</summary>
public static class FlacConfiguration
{
    /// <summary>The signature; then the head of the block, and what it tells.</summary>
    internal const int Signature = 4;
    private const int Head = Signature + 4;
    private const int Information = 34;

    // The last block, STREAMINFO, 34 bytes.
    private static ReadOnlySpan<byte> Beginning => "fLaC"u8;
    private static ReadOnlySpan<byte> BlockHead => [0x80, 0, 0, Information];

    /// <param name="header">Or STREAMINFO alone, as FFmpeg 8.1 sends it, or behind the signature without its head, as mpegts.js reads it.</param>
    /// <param name="track">Its configuration is the signature and STREAMINFO as the last block, whatever came behind it.</param>
    public static bool TryRead(ReadOnlySpan<byte> header, out Track? track, out string fault)
    {
        track = null;
        fault = "";
        if (header.Length == Signature + Information && header.StartsWith(Beginning))
        {
            header = header[Signature..];
        }
        else if (header.Length != Information)
        {
            fault = header.Length < Head + Information ? "cut short"
                : !header.StartsWith(Beginning) ? "another signature"
                : (header[4] & 0x7F) != 0 || header[5] != 0 || header[6] != 0 || header[7] != Information ? "STREAMINFO is not the first block"
                : "";
            header = fault.Length == 0 ? header.Slice(Head, Information) : default;
        }
        if (fault.Length == 0)
        {
            var bits = new BitReader(header[10..]);
            var (rate, channels, depth) = ((int)bits.Bits(20), (int)bits.Bits(3) + 1, (int)bits.Bits(5) + 1);
            var (least, most) = (BinaryPrimitives.ReadUInt16BigEndian(header), BinaryPrimitives.ReadUInt16BigEndian(header[2..]));
            if (rate == 0 || depth < 4)
                fault = "no sampling rate, or less than 4 bits a sample";
            else if (least < 16 || most < least)
                fault = "blocks of a size that does not exist";
            else
                track = TrackOf(header, rate, channels);
        }
        if (track is not null)
            return true;
        fault = "the FLAC header: " + fault;
        return false;
    }

    /// <summary>How many samples; 0: it is no frame.</summary>
    public static int SamplesOf(ReadOnlySpan<byte> frame)
    {
        // Synchronisation, a reserved bit, fixed or variable blocks.
        if (frame.Length < 6 || frame[0] != 0xFF || (frame[1] & 0xFE) != 0xF8)
            return 0;
        var code = frame[2] >> 4;
        switch (code)
        {
            case 0:
                return 0;
            case 1:
                return 192;
            case < 6:
                return 576 << (code - 2);
            case >= 8:
                return 256 << (code - 8);
        }
        // Behind the number, which is coded as UTF-8 codes its characters.
        var at = 4 + (frame[4] < 0x80 ? 1 : System.Numerics.BitOperations.LeadingZeroCount((uint)(byte)~frame[4]) - 24);
        if (frame.Length < at + 2)
            return 0;
        return code == 6 ? frame[at] + 1 : BinaryPrimitives.ReadUInt16BigEndian(frame[at..]) + 1;
    }

    /// <summary>Of a sample, of a track's configuration.</summary>
    internal static int BitsOf(ReadOnlySpan<byte> configuration)
    {
        var bits = new BitReader(configuration[(Head + 12)..]);
        bits.Skip(7);
        return (int)bits.Bits(5) + 1;
    }

    private static Track TrackOf(ReadOnlySpan<byte> information, int rate, int channels) => new()
    {
        Kind = TrackKind.Audio,
        Codec = Codec.Flac,
        Configuration = (byte[])[.. Beginning, .. BlockHead, .. information],
        CodecName = "fLaC",
        SampleRate = rate,
        Channels = channels,
    };
}
