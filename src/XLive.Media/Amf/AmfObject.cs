namespace XLive.Media.Amf;

/// <summary>Named values in the order in which they came: an object, or an ECMA array, which is the same in all but its marker.</summary>
public sealed class AmfObject
{
    private readonly List<KeyValuePair<string, AmfValue>> _members = [];

    /// <summary>Of a typed object; empty for all others.</summary>
    public string ClassName { get; init; } = "";

    public bool IsEcmaArray { get; init; }

    public IReadOnlyList<KeyValuePair<string, AmfValue>> Members => _members;

    /// <summary>Of a name that comes twice the last, as in ActionScript. Looked for one by one: a command's object has a dozen.</summary>
    public AmfValue this[string name]
    {
        get
        {
            for (int i = _members.Count - 1; i >= 0; i--)
            {
                if (_members[i].Key == name)
                    return _members[i].Value;
            }
            return AmfValue.Undefined;
        }
    }

    public void Add(string name, AmfValue value) => _members.Add(KeyValuePair.Create(name, value));
}
