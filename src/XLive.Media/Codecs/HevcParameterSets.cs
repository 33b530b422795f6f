using System.Buffers.Binary;

namespace XLive.Media.Codecs;

/// <summary>The parameter sets in force, by their ids, and the record that is made of them: the same for the same sets, whoever wrote them where.</summary>
internal sealed class HevcParameterSets
{
    public const int FirstType = 32;
    public const int LastType = 34;

    // H.265 7.4.3: 16, 16 and 64 ids.
    private static ReadOnlySpan<byte> Most => [16, 16, 64];

    // Video, sequence, picture.
    private readonly SortedDictionary<uint, byte[]>[] _sets = [[], [], []];

    /// <returns>Whether anything is different. One without an id, or with one that cannot be, is passed over.</returns>
    public bool Take(ReadOnlySpan<byte> unit)
    {
        var kind = NalUses.HevcType(unit) - FirstType;
        if (kind is < 0 or > LastType - FirstType || unit.Length is < 4 or > HevcConfiguration.Longest || !TryReadId(unit, kind, out var id) || id >= Most[kind])
            return false;
        var sets = _sets[kind];
        if (sets.TryGetValue(id, out var known) && unit.SequenceEqual(known))
            return false;
        sets[id] = unit.ToArray();
        return true;
    }

    public bool TryMakeTrack(out Track? track, out string fault)
    {
        track = null;
        if (_sets[0].Count == 0 || _sets[1].Count == 0 || _sets[2].Count == 0)
        {
            fault = "the HEVC configuration record: no " + (_sets[0].Count == 0 ? "video" : _sets[1].Count == 0 ? "sequence" : "picture") + " parameter set";
            return false;
        }
        if (!HevcSequence.TryRead(_sets[1].Values.First(), out var sequence, out fault))
            return false;
        var length = HevcConfiguration.Head + (3 * _sets.Length);
        foreach (var sets in _sets)
        {
            foreach (var set in sets.Values)
                length += 2 + set.Length;
        }
        if (length > HevcConfiguration.Longest)
        {
            fault = "the HEVC configuration record: parameter sets of more than 16 KiB";
            return false;
        }
        track = new Track
        {
            Kind = TrackKind.Video,
            Codec = Codec.Hevc,
            Configuration = Record(sequence, length),
            CodecName = sequence.Name,
            Width = sequence.Picture.ShownWidth,
            Height = sequence.Picture.ShownHeight,
            FrameRate = sequence.Picture.FrameRate,
        };
        return true;
    }

    private static bool TryReadId(ReadOnlySpan<byte> unit, int kind, out uint id)
    {
        if (kind == 1)
            return HevcSequence.TryReadId(unit, out id);
        var bits = new BitReader(unit[2..], isNalUnit: true);
        id = kind == 0 ? bits.Bits(4) : bits.Unsigned();
        return !bits.HasFailed;
    }

    /// <summary>ISO/IEC 14496-15 8.3.3.1.2. What it repeats of the sequence parameter set is taken from there.</summary>
    private byte[] Record(in HevcSequence sequence, int length)
    {
        var record = new byte[length];
        record[0] = 1;
        record[1] = sequence.Profile;
        BinaryPrimitives.WriteUInt32BigEndian(record.AsSpan(2), sequence.Compatibility);
        BinaryPrimitives.WriteUInt64BigEndian(record.AsSpan(6), sequence.Constraints << 16);
        record[12] = sequence.Level;
        record[13] = 0xF0; // min_spatial_segmentation_idc 0, parallelismType 0: not known
        record[15] = 0xFC;
        record[16] = (byte)(0xFC | sequence.ChromaFormat);
        record[17] = (byte)(0xF8 | sequence.LumaDepth);
        record[18] = (byte)(0xF8 | sequence.ChromaDepth);
        record[21] = (byte)((sequence.SubLayers << 3) | (sequence.IsNested ? 4 : 0) | 3); // lengths of 4 bytes
        record[22] = (byte)_sets.Length;
        var at = HevcConfiguration.Head;
        for (var kind = 0; kind < _sets.Length; kind++)
        {
            record[at] = (byte)(0x80 | (FirstType + kind)); // array_completeness
            BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(at + 1), (ushort)_sets[kind].Count);
            at += 3;
            foreach (var set in _sets[kind].Values)
            {
                BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(at), (ushort)set.Length);
                set.CopyTo(record, at + 2);
                at += 2 + set.Length;
            }
        }
        return record;
    }
}
