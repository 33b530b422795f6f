namespace XLive.Media.Codecs;

/// <summary>What a NAL unit is for, of whichever codec it is.</summary>
internal enum NalUse : byte
{
    Other,
    Picture,

    /// <summary>Of a picture with which decoding can begin.</summary>
    Key,
    ParameterSet,
    Delimiter,
}

internal static class NalUses
{
    private const int FirstRandomAccess = 16; // BLA_W_LP
    private const int LastRandomAccess = 23;
    private const int LastPicture = 31;
    private const int HevcDelimiter = 35;

    public static NalUse Of(Codec codec, ReadOnlySpan<byte> unit) => codec == Codec.Hevc ? OfHevc(HevcType(unit)) : OfAvc(unit[0] & 0x1F);

    /// <summary>nal_unit_type of H.265 7.3.1.2; -1 of nothing.</summary>
    public static int HevcType(ReadOnlySpan<byte> unit) => unit.IsEmpty ? -1 : (unit[0] >> 1) & 0x3F;

    /// <summary>nal_ref_idc (H.264 7.4.1). Of HEVC it depends on sub-layers, and each is.</summary>
    public static bool IsNeeded(Codec codec, ReadOnlySpan<byte> unit) => codec == Codec.Hevc || (unit[0] & 0x60) != 0;

    private static NalUse OfAvc(int type) => (NalUnitType)type switch
    {
        NalUnitType.Idr => NalUse.Key,
        NalUnitType.SequenceParameterSet or NalUnitType.PictureParameterSet => NalUse.ParameterSet,
        NalUnitType.AccessUnitDelimiter => NalUse.Delimiter,
        _ => type is >= 1 and < (int)NalUnitType.Idr ? NalUse.Picture : NalUse.Other,
    };

    // H.265 table 7-1
    private static NalUse OfHevc(int type) => type switch
    {
        // A CRA too, with which the GOPs of x265 begin: pictures that are shown before it and lean on others are dropped by who begins there (8.1.3).
        >= FirstRandomAccess and <= LastRandomAccess => NalUse.Key,
        <= LastPicture => NalUse.Picture,
        <= HevcParameterSets.LastType => NalUse.ParameterSet,
        HevcDelimiter => NalUse.Delimiter,
        _ => NalUse.Other,
    };
}
