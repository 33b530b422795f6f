namespace XLive.Media.Hls;

/// <summary>
/// Walks an attribute list (RFC 8216 4.2): NAME=value,NAME="value". Positions are those of the whole text, since a value found
/// is a value to be replaced. Blanks around a name and a value without quotes are not in the RFC, but in the field, and in what
/// players accept.
/// </summary>
internal ref struct AttributeReader(ReadOnlySpan<byte> text, int start, int end)
{
    private readonly ReadOnlySpan<byte> _text = text;
    private readonly int _end = end;
    private int _at = start;

    public ReadOnlySpan<byte> Name { get; private set; }

    public bool Quoted { get; private set; }

    /// <summary>Between the quotes, if there are any.</summary>
    public int ValueStart { get; private set; }

    public int ValueEnd { get; private set; }

    public readonly ReadOnlySpan<byte> Value => _text[ValueStart..ValueEnd];

    public bool Next()
    {
        while (_at < _end)
        {
            var rest = _text[_at.._end];
            int nameLength = rest.IndexOfAny((byte)'=', (byte)',');
            if (nameLength < 0)
                break;

            _at += nameLength + 1;
            if (rest[nameLength] == ',')
                continue;

            Name = rest[..nameLength].Trim(Blanks);
            return ReadValue();
        }
        _at = _end;
        return false;
    }

    public static ReadOnlySpan<byte> Blanks => " \t"u8;

    private bool ReadValue()
    {
        Quoted = _at < _end && _text[_at] == '"';
        if (Quoted)
            _at++;

        int length = _text[_at.._end].IndexOf(Quoted ? (byte)'"' : (byte)',');
        if (Quoted && length < 0)
        {
            // Where such a value ends is anyone's guess, and a wrong guess damages the line.
            _at = _end;
            return false;
        }

        ValueStart = _at;
        ValueEnd = length < 0 ? _end : _at + length;
        _at = ValueEnd;

        int comma = _text[_at.._end].IndexOf((byte)',');
        _at = comma < 0 ? _end : _at + comma + 1;
        return true;
    }
}
