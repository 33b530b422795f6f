namespace XLive.Media.Codecs;

/// <summary>
/// Bits, most significant first. Reading past the end gives zeros and is remembered, so that a parser asks once, at its end. Of a NAL unit the
/// emulation prevention bytes (H.264 7.4.1) are passed over.
/// </summary>
internal ref struct BitReader(ReadOnlySpan<byte> bytes, bool isNalUnit = false)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private readonly bool _isNalUnit = isNalUnit;
    private int _at;
    private int _zeros;
    private uint _current;
    private int _left;

    public bool HasFailed { get; private set; }

    public bool IsAtByte => _left == 0;

    /// <summary>Whole only where nothing is passed over.</summary>
    public readonly int BitsLeft => ((_bytes.Length - _at) * 8) + _left;

    public uint Bit()
    {
        if (_left == 0 && !NextByte())
            return 0;
        return (_current >> --_left) & 1;
    }

    public bool Flag() => Bit() != 0;

    public uint Bits(int count)
    {
        uint value = 0;
        for (; count > 0; count--)
            value = (value << 1) | Bit();
        return value;
    }

    public void Skip(int count)
    {
        for (; count > 0 && !HasFailed; count--)
            Bit();
    }

    /// <summary>ue(v), 9.1.</summary>
    public uint Unsigned()
    {
        var zeros = 0;
        while (!Flag())
        {
            if (HasFailed || ++zeros == 32)
            {
                HasFailed = true;
                return 0;
            }
        }
        return (1u << zeros) - 1 + Bits(zeros);
    }

    /// <summary>se(v), 9.1.1.</summary>
    public int Signed()
    {
        var code = Unsigned();
        return (code & 1) != 0 ? (int)((code >> 1) + 1) : -(int)(code >> 1);
    }

    private bool NextByte()
    {
        if (_isNalUnit && _zeros >= 2 && _at < _bytes.Length && _bytes[_at] == 3)
        {
            _at++;
            _zeros = 0;
        }
        if (_at >= _bytes.Length)
        {
            HasFailed = true;
            return false;
        }
        _current = _bytes[_at++];
        _zeros = _current == 0 ? _zeros + 1 : 0;
        _left = 8;
        return true;
    }
}
