using System.Buffers.Binary;
using XLive.Media.Codecs;

namespace XLive.Media.Flv;

/// <summary>The parameter sets in force, by their ids: those of the configuration record, and what came within frames since.</summary>
internal sealed class AvcParameterSets
{
    private const int Sequence = (int)NalUnitType.SequenceParameterSet;
    private const int Picture = (int)NalUnitType.PictureParameterSet;

    // 14496-10 7.4.2: 32 and 256 ids. A record's counts are 5 bits and 8, and encoders use one of each.
    private const int MostSequences = 31;
    private const int MostPictures = 255;

    private readonly SortedDictionary<uint, byte[]> _sequences = [];
    private readonly SortedDictionary<uint, byte[]> _pictures = [];

    /// <param name="record">One that <see cref="AvcConfiguration.TryRead"/> took.</param>
    public void Take(ReadOnlySpan<byte> record)
    {
        _sequences.Clear();
        _pictures.Clear();
        var rest = record[5..];
        for (int kind = Sequence; kind <= Picture; kind++)
        {
            int count = kind == Sequence ? rest[0] & 0x1F : rest[0];
            rest = rest[1..];
            for (; count > 0; count--)
            {
                int length = BinaryPrimitives.ReadUInt16BigEndian(rest);
                Take(rest.Slice(2, length), kind);
                rest = rest[(2 + length)..];
            }
        }
    }

    /// <returns>Whether anything is different now. One without an id, or with one that cannot be, is passed over.</returns>
    public bool Take(ReadOnlySpan<byte> unit, int type)
    {
        var (sets, most) = type == Sequence ? (_sequences, MostSequences) : (_pictures, MostPictures);
        int idAt = type == Sequence ? 4 : 1;
        if (unit.Length <= idAt || unit.Length > ushort.MaxValue)
            return false;
        var bits = new BitReader(unit[idAt..], isNalUnit: true);
        uint id = bits.Unsigned();
        if (bits.HasFailed || id > most || (!sets.ContainsKey(id) && sets.Count == most))
            return false;
        if (sets.TryGetValue(id, out var known) && unit.SequenceEqual(known))
            return false;
        sets[id] = unit.ToArray();
        return true;
    }

    /// <summary>The AVCDecoderConfigurationRecord of them all (14496-15 5.3.3.1.2); nothing while there is no sequence parameter set.</summary>
    public byte[] Record()
    {
        if (_sequences.Count == 0)
            return [];
        byte[] first = _sequences.Values.First();
        var record = new List<byte> { 1, first[1], first[2], first[3], 0xFF, (byte)(0xE0 | _sequences.Count) };
        Append(record, _sequences.Values);
        record.Add((byte)_pictures.Count);
        Append(record, _pictures.Values);
        // These profiles have four bytes more.
        if (first[1] is 100 or 110 or 122 or 144)
            AppendDepths(record, first);
        return [.. record];
    }

    private static void Append(List<byte> record, IEnumerable<byte[]> sets)
    {
        foreach (byte[] set in sets)
        {
            record.Add((byte)(set.Length >> 8));
            record.Add((byte)set.Length);
            record.AddRange(set);
        }
    }

    private static void AppendDepths(List<byte> record, byte[] sequence)
    {
        var bits = new BitReader(sequence.AsSpan(4), isNalUnit: true);
        bits.Unsigned(); // its id
        uint chroma = bits.Unsigned();
        if (chroma == 3)
            bits.Bit(); // colour planes apart
        uint luma = bits.Unsigned();
        uint chromaDepth = bits.Unsigned();
        record.AddRange([(byte)(0xFC | (chroma & 3)), (byte)(0xF8 | (luma & 7)), (byte)(0xF8 | (chromaDepth & 7)), 0]);
    }
}
