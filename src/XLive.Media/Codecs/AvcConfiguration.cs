using System.Buffers.Binary;
using System.Globalization;

namespace XLive.Media.Codecs;

/// <summary>The AVCDecoderConfigurationRecord of ISO/IEC 14496-15 5.3.3.1, as RTMP, FLV and MP4 carry it.</summary>
public static class AvcConfiguration
{
    // A set has tens of bytes, with scaling lists hundreds. They are sent again before every IDR, so a stranger must not blow them up.
    private const int Longest = 16 * 1024;
    private const int Head = 6;

    /// <param name="track">Its configuration says 4-byte NAL lengths, whatever the record said.</param>
    public static bool TryRead(ReadOnlySpan<byte> record, out Track? track, out string fault)
    {
        track = null;
        if (!TryWalk(record, out var first, out fault) || !SequenceParameters.TryRead(first, out var parameters, out fault))
            return false;
        if (NalLengthSize(record) == 0)
        {
            fault = "the AVC configuration record: NAL lengths of 3 bytes";
            return false;
        }
        var configuration = record.ToArray();
        configuration[4] |= 3;
        track = new Track
        {
            Kind = TrackKind.Video,
            Codec = Codec.H264,
            Configuration = configuration,
            CodecName = string.Create(CultureInfo.InvariantCulture, $"avc1.{first[1]:x2}{first[2]:x2}{first[3]:x2}"),
            Width = parameters.ShownWidth,
            Height = parameters.ShownHeight,
            FrameRate = parameters.FrameRate,
        };
        return true;
    }

    /// <summary>In how many bytes frames beside this record give the length of a NAL unit: 1, 2 or 4; 0 where the record says 3 or ends before.</summary>
    public static int NalLengthSize(ReadOnlySpan<byte> record)
    {
        var size = record.Length > 4 ? (record[4] & 3) + 1 : 0;
        return size == 3 ? 0 : size;
    }

    /// <summary>How many bytes <see cref="WriteParameterSets"/> writes.</summary>
    public static int ParameterSetsLength(ReadOnlySpan<byte> record)
    {
        var length = 0;
        var sets = new ParameterSets(record);
        while (sets.MoveNext())
            length += 4 + sets.Current.Length;
        return length;
    }

    /// <summary>The sets of a track's configuration as a byte stream (annex B) has them, each behind a start code of 4 bytes.</summary>
    public static void WriteParameterSets(ReadOnlySpan<byte> record, Span<byte> output)
    {
        var sets = new ParameterSets(record);
        while (sets.MoveNext())
        {
            BinaryPrimitives.WriteUInt32BigEndian(output, 1);
            sets.Current.CopyTo(output[4..]);
            output = output[(4 + sets.Current.Length)..];
        }
    }

    /// <summary>Those of the picture, of the record of a track.</summary>
    internal static bool TryReadParameters(ReadOnlySpan<byte> record, out SequenceParameters parameters, out string fault)
    {
        parameters = default;
        return TryWalk(record, out var first, out fault) && SequenceParameters.TryRead(first, out parameters, out fault);
    }

    private static bool TryWalk(ReadOnlySpan<byte> record, out ReadOnlySpan<byte> first, out string fault)
    {
        first = default;
        var (sequences, pictures) = (0, 0);
        var sets = new ParameterSets(record);
        fault = record.Length < Head ? "cut short"
            : record[0] != 1 ? "a version other than 1"
            : record.Length > Longest ? "parameter sets of more than 16 KiB"
            : "";
        while (fault.Length == 0 && sets.MoveNext())
        {
            var unit = sets.Current;
            var type = unit.IsEmpty ? 0 : (NalUnitType)(unit[0] & 0x1F);
            if (type != (sets.IsPicture ? NalUnitType.PictureParameterSet : NalUnitType.SequenceParameterSet))
                fault = sets.IsPicture ? "a picture parameter set that is none" : "a sequence parameter set that is none";
            else if (sets.IsPicture)
                pictures++;
            else if (sequences++ == 0)
                first = unit;
        }
        if (fault.Length == 0)
        {
            fault = sets.IsBroken ? "cut short"
                : sequences == 0 ? "no sequence parameter set"
                : pictures == 0 ? "no picture parameter set"
                : first.Length < 4 ? "a sequence parameter set of less than 4 bytes"
                : "";
        }
        if (fault.Length > 0)
            fault = "the AVC configuration record: " + fault;
        return fault.Length == 0;
    }

    /// <summary>First the sequence parameter sets, then those of pictures; what may follow them is of no use to a decoder of the sets.</summary>
    private ref struct ParameterSets
    {
        private ReadOnlySpan<byte> _rest;
        private int _left;

        public ParameterSets(ReadOnlySpan<byte> record)
        {
            if (record.Length < Head)
                return;
            _left = record[5] & 0x1F;
            _rest = record[Head..];
        }

        public ReadOnlySpan<byte> Current { get; private set; }

        public bool IsPicture { get; private set; }

        public bool IsBroken { get; private set; }

        public bool MoveNext()
        {
            if (_left == 0 && !IsPicture)
            {
                IsPicture = true;
                IsBroken = _rest.IsEmpty;
                if (IsBroken)
                    return false;
                _left = _rest[0];
                _rest = _rest[1..];
            }
            if (_left == 0 || IsBroken)
                return false;
            var length = _rest.Length < 2 ? int.MaxValue : BinaryPrimitives.ReadUInt16BigEndian(_rest);
            IsBroken = length > _rest.Length - 2;
            if (IsBroken)
                return false;
            _left--;
            Current = _rest.Slice(2, length);
            _rest = _rest[(2 + length)..];
            return true;
        }
    }
}
