using System.Buffers.Binary;

namespace XLive.Media.Codecs;

/// <summary>The HEVCDecoderConfigurationRecord of ISO/IEC 14496-15 8.3.3.1, as enhanced RTMP and MP4 carry it.</summary>
public static class HevcConfiguration
{
    // A set has tens of bytes, with scaling lists hundreds. They are sent again before every IRAP, so a stranger must not blow them up.
    internal const int Longest = 16 * 1024;
    internal const int Head = 23;

    /// <param name="track">Its configuration is the sets of the record and nothing else, and says 4-byte NAL lengths.</param>
    public static bool TryRead(ReadOnlySpan<byte> record, out Track? track, out string fault) => TryRead(record, out _, out track, out fault);

    /// <summary>In how many bytes frames beside this record give the length of a NAL unit: 1, 2 or 4; 0 where the record says 3 or ends before.</summary>
    public static int NalLengthSize(ReadOnlySpan<byte> record)
    {
        var size = record.Length >= Head ? (record[21] & 3) + 1 : 0;
        return size == 3 ? 0 : size;
    }

    /// <summary>How many bytes <see cref="WriteParameterSets"/> writes.</summary>
    public static int ParameterSetsLength(ReadOnlySpan<byte> record)
    {
        var length = 0;
        var units = new Arrays(record);
        while (units.MoveNext())
            length += 4 + units.Current.Length;
        return length;
    }

    /// <summary>The sets of a track's configuration as a byte stream (annex B) has them, each behind a start code of 4 bytes.</summary>
    public static void WriteParameterSets(ReadOnlySpan<byte> record, Span<byte> output)
    {
        var units = new Arrays(record);
        while (units.MoveNext())
        {
            BinaryPrimitives.WriteUInt32BigEndian(output, 1);
            units.Current.CopyTo(output[4..]);
            output = output[(4 + units.Current.Length)..];
        }
    }

    /// <param name="sets">Those of the record.</param>
    internal static bool TryRead(ReadOnlySpan<byte> record, out HevcParameterSets? sets, out Track? track, out string fault)
    {
        (sets, track) = (null, null);
        fault = record.Length < Head ? "cut short"
            : record[0] != 1 ? "a version other than 1"
            : record.Length > Longest ? "parameter sets of more than 16 KiB"
            : NalLengthSize(record) == 0 ? "NAL lengths of 3 bytes"
            : "";
        if (fault.Length == 0 && TryTake(record, sets = new HevcParameterSets(), out fault))
            return sets.TryMakeTrack(out track, out fault);
        fault = "the HEVC configuration record: " + fault;
        return false;
    }

    private static bool TryTake(ReadOnlySpan<byte> record, HevcParameterSets sets, out string fault)
    {
        fault = "";
        var units = new Arrays(record);
        while (fault.Length == 0 && units.MoveNext())
        {
            if (NalUses.HevcType(units.Current) != units.Type)
                fault = "a NAL unit of another type than its array's";
            else
                sets.Take(units.Current);
        }
        if (units.IsBroken)
            fault = "cut short";
        return fault.Length == 0;
    }

    internal static bool TryReadPicture(ReadOnlySpan<byte> record, out SequenceParameters picture, out string fault)
    {
        picture = default;
        fault = "the HEVC configuration record: no sequence parameter set";
        var units = new Arrays(record);
        while (units.MoveNext())
        {
            if (units.Type != HevcParameterSets.FirstType + 1)
                continue;
            var isRead = HevcSequence.TryRead(units.Current, out var sequence, out fault);
            picture = sequence.Picture;
            return isRead;
        }
        return false;
    }

    /// <summary>The NAL units of all arrays, one after the other; information (SEI) too.</summary>
    private ref struct Arrays
    {
        private ReadOnlySpan<byte> _rest;
        private int _arrays;
        private int _left;

        public Arrays(ReadOnlySpan<byte> record)
        {
            if (record.Length < Head)
                return;
            _arrays = record[Head - 1];
            _rest = record[Head..];
        }

        public ReadOnlySpan<byte> Current { get; private set; }

        public int Type { get; private set; }

        public bool IsBroken { get; private set; }

        public bool MoveNext()
        {
            while (_left == 0 && _arrays > 0)
            {
                if (_rest.Length < 3)
                    return Break();
                Type = _rest[0] & 0x3F;
                _left = BinaryPrimitives.ReadUInt16BigEndian(_rest[1..]);
                _rest = _rest[3..];
                _arrays--;
            }
            if (_left == 0)
                return false;
            var length = _rest.Length < 2 ? int.MaxValue : BinaryPrimitives.ReadUInt16BigEndian(_rest);
            if (length > _rest.Length - 2)
                return Break();
            _left--;
            Current = _rest.Slice(2, length);
            _rest = _rest[(2 + length)..];
            return true;
        }

        private bool Break()
        {
            IsBroken = true;
            (_arrays, _left) = (0, 0);
            return false;
        }
    }
}
