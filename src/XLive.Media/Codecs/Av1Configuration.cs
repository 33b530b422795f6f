using System.Buffers.Binary;
using System.Globalization;

namespace XLive.Media.Codecs;

/// <summary>The AV1CodecConfigurationRecord of AV1-ISOBMFF 2.3, as enhanced RTMP and MP4 carry it.</summary>
public static class Av1Configuration
{
    // A sequence header has some 12 bytes; 32 operating points with their delays make 350.
    private const int Longest = 1024;
    private const int Head = 4;
    private const byte Version = 0x81; // with the marker

    /// <summary>It is a record, and leaves the sequence header to the first key frame.</summary>
    public static bool IsBare(ReadOnlySpan<byte> record) => record.Length == Head && record[0] == Version;

    public static bool TryRead(ReadOnlySpan<byte> record, out Track? track, out string fault)
    {
        track = null;
        fault = record.Length < Head ? "cut short"
            : record[0] != Version ? "a version other than 1"
            : record.Length > Longest ? "more than 1 KiB"
            : "";
        if (fault.Length == 0)
        {
            var units = new Obus(record[Head..]);
            while (units.MoveNext())
            {
                if (units.Type == ObuType.SequenceHeader)
                    return TryMake(units.Payload, out track, out fault);
            }
            fault = units.IsBroken ? "an OBU longer than the record" : "no sequence header";
        }
        fault = "the AV1 configuration record: " + fault;
        return false;
    }

    /// <summary>Of a sequence header, wherever it stood: the record is the same for the same header.</summary>
    internal static bool TryMake(ReadOnlySpan<byte> payload, out Track? track, out string fault)
    {
        track = null;
        if (payload.Length > Longest - 16)
        {
            fault = "the AV1 sequence header: more than 1 KiB";
            return false;
        }
        if (!Av1Sequence.TryRead(payload, out var sequence, out fault))
            return false;
        var size = payload.Length < 0x80 ? 1 : 2;
        var record = new byte[Head + 1 + size + payload.Length];
        record[0] = Version;
        BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(1), sequence.Head);
        record[Head] = ((byte)ObuType.SequenceHeader << 3) | 2; // with its size
        record[Head + 1] = (byte)(size == 1 ? payload.Length : 0x80 | (payload.Length & 0x7F));
        if (size == 2)
            record[Head + 2] = (byte)(payload.Length >> 7);
        payload.CopyTo(record.AsSpan(Head + 1 + size));
        track = new Track
        {
            Kind = TrackKind.Video,
            Codec = Codec.Av1,
            Configuration = record,
            CodecName = string.Create(CultureInfo.InvariantCulture, $"av01.{sequence.Profile}.{sequence.Level:00}{(sequence.IsHighTier ? 'H' : 'M')}.{sequence.BitDepth:00}"),
            Width = sequence.Picture.Width,
            Height = sequence.Picture.Height,
            FrameRate = sequence.Picture.FrameRate,
        };
        return true;
    }

    /// <summary>Of the record of a track.</summary>
    internal static bool TryReadPicture(ReadOnlySpan<byte> record, out SequenceParameters picture, out string fault)
    {
        var isRead = Av1Sequence.TryRead(SequenceHeader(record), out var sequence, out fault);
        picture = sequence.Picture;
        return isRead;
    }

    /// <summary>Its payload, of the record of a track.</summary>
    internal static ReadOnlySpan<byte> SequenceHeader(ReadOnlySpan<byte> record)
    {
        var units = new Obus(record.Length > Head ? record[Head..] : default);
        return units.MoveNext() ? units.Payload : default;
    }
}
