namespace XLive.Media.Codecs;

/// <summary>obu_type, AV1 6.2.2.</summary>
internal enum ObuType : byte
{
    SequenceHeader = 1,
    TemporalDelimiter = 2,
    FrameHeader = 3,
    Frame = 6,
    Padding = 15,
}

/// <summary>Walks the OBUs of a temporal unit (AV1 5.3), each with its size; the last may go without (AV1-ISOBMFF 2.4).</summary>
internal ref struct Obus(ReadOnlySpan<byte> bytes)
{
    private const byte Forbidden = 0x80;
    private const byte HasExtension = 4;
    private const byte HasSize = 2;

    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>With its header.</summary>
    public ReadOnlySpan<byte> Current { get; private set; }

    public ReadOnlySpan<byte> Payload { get; private set; }

    public readonly ObuType Type => (ObuType)((Current[0] >> 3) & 15);

    /// <summary>A size named more than there is, or it is no header; the walk ended there.</summary>
    public bool IsBroken { get; private set; }

    public bool MoveNext()
    {
        if (_rest.IsEmpty || IsBroken)
            return false;
        var head = _rest[0];
        var at = (head & HasExtension) != 0 ? 2 : 1;
        var length = (long)_rest.Length - at;
        if ((head & HasSize) != 0 && !TryReadSize(_rest, ref at, out length))
            length = -1;
        IsBroken = (head & Forbidden) != 0 || length < 0 || length > _rest.Length - at;
        if (IsBroken)
            return false;
        var whole = at + (int)length;
        Current = _rest[..whole];
        Payload = _rest[at..whole];
        _rest = _rest[whole..];
        return true;
    }

    /// <summary>leb128(), 4.10.5: at most eight bytes, and a size of 32 bits.</summary>
    private static bool TryReadSize(ReadOnlySpan<byte> bytes, ref int at, out long size)
    {
        size = 0;
        for (var i = 0; i < 8 && at < bytes.Length; i++)
        {
            var value = bytes[at++];
            size |= (long)(value & 0x7F) << (7 * i);
            if (value < 0x80)
                return size <= uint.MaxValue;
        }
        return false;
    }
}
