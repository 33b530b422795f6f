using System.Buffers.Binary;

namespace XLive.Media.Codecs;

/// <summary>nal_unit_type, ISO/IEC 14496-10 table 7-1.</summary>
public enum NalUnitType : byte
{
    Idr = 5,
    SupplementalEnhancement = 6,
    SequenceParameterSet = 7,
    PictureParameterSet = 8,
    AccessUnitDelimiter = 9,
}

/// <summary>Walks the NAL units of a frame, each behind its length in 4 bytes. Empty ones, which some encoders send, are passed over.</summary>
public ref struct NalUnits(ReadOnlySpan<byte> frame)
{
    private ReadOnlySpan<byte> _rest = frame;

    public ReadOnlySpan<byte> Current { get; private set; }

    public readonly NalUnitType Type => (NalUnitType)(Current[0] & 0x1F);

    /// <summary>A length named more than there is, and the walk ended there.</summary>
    public bool IsBroken { get; private set; }

    public readonly NalUnits GetEnumerator() => this;

    public bool MoveNext()
    {
        while (_rest.Length >= 4)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(_rest);
            if (length > (uint)(_rest.Length - 4))
                break;
            Current = _rest.Slice(4, (int)length);
            _rest = _rest[(4 + (int)length)..];
            if (length > 0)
                return true;
        }
        IsBroken = _rest.Length > 0;
        _rest = default;
        return false;
    }
}
