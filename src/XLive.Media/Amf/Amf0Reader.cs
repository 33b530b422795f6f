namespace XLive.Media.Amf;

/// <summary>The values of a message, one after the other (AMF 0, 2007). Throws <see cref="AmfException"/> and nothing else.</summary>
public ref struct Amf0Reader
{
    private readonly AmfBudget _budget = new();
    private readonly AmfReferences _references;
    private AmfBytes _bytes;
    private Amf3Reader? _amf3;

    public Amf0Reader(ReadOnlySpan<byte> message)
    {
        _references = new AmfReferences(_budget);
        _bytes = new AmfBytes(message);
    }

    public readonly bool AtEnd => _bytes.Left == 0;

    /// <summary>How far it has read.</summary>
    public readonly int Position => _bytes.At;

    /// <summary>The next, or undefined when there is none: encoders leave out what stands last.</summary>
    public AmfValue ReadOptional() => AtEnd ? AmfValue.Undefined : Read();

    public AmfValue Read()
    {
        _budget.Take();
        var marker = (Amf0Marker)_bytes.Byte();
        switch (marker)
        {
            case Amf0Marker.Number:
                return AmfValue.Of(_bytes.Double());
            case Amf0Marker.Boolean:
                return AmfValue.Of(_bytes.Byte() != 0);
            case Amf0Marker.Text:
                return AmfValue.Of(_bytes.Text(_bytes.UInt16()));
            case Amf0Marker.LongText or Amf0Marker.Xml:
                return AmfValue.Of(_bytes.Text(_bytes.Length32()));
            case Amf0Marker.Null:
                return AmfValue.Null;
            case Amf0Marker.Undefined or Amf0Marker.Unsupported:
                return AmfValue.Undefined;
            case Amf0Marker.Reference:
                return _references.At(_bytes.UInt16());
            case Amf0Marker.Date:
                double milliseconds = _bytes.Double();
                _bytes.Take(2); // a time zone that is reserved and should be 0 (2.13)
                return AmfValue.Date(milliseconds);
            case Amf0Marker.Object:
                return ReadMembers(new AmfObject());
            case Amf0Marker.TypedObject:
                return ReadMembers(new AmfObject { ClassName = _bytes.Text(_bytes.UInt16()) });
            case Amf0Marker.EcmaArray:
                _bytes.Take(4); // a count that is a hint: ffmpeg leaves 0 there when it cannot go back
                return ReadMembers(new AmfObject { IsEcmaArray = true });
            case Amf0Marker.StrictArray:
                return ReadItems();
            case Amf0Marker.Amf3:
                return (_amf3 ??= new Amf3Reader(_budget)).Read(ref _bytes);
            default:
                throw new AmfException($"unknown AMF0 marker {(byte)marker}");
        }
    }

    /// <summary>
    /// To the end marker, 00 00 09, or to the end of the message: some encoders leave the marker of the last object out. An empty name before
    /// anything else is a name.
    /// </summary>
    private AmfValue ReadMembers(AmfObject members)
    {
        int index = _references.Enter();
        while (_bytes.Left > 0)
        {
            if (_bytes.StartsWith([0, 0, (byte)Amf0Marker.ObjectEnd]))
            {
                _bytes.Take(3);
                break;
            }
            if (members.Members.Count == AmfBudget.MostMembers)
                throw new AmfException("an object with too many members");
            string name = _bytes.Text(_bytes.UInt16());
            members.Add(name, Read());
        }
        return _references.Leave(index, AmfValue.Of(members));
    }

    private AmfValue ReadItems()
    {
        int index = _references.Enter();
        int count = _bytes.Length32(); // no value is shorter than a byte
        var items = new List<AmfValue>();
        for (int i = 0; i < count; i++)
            items.Add(Read());
        return _references.Leave(index, AmfValue.Of(items));
    }
}
