using System.Globalization;

namespace XLive.Media.Amf;

/// <summary>
/// The values of AMF 3 that stand behind AMF0's marker 17. Clients with object encoding 3 write their command objects so. All of one message share the
/// tables of strings and traits.
/// </summary>
internal sealed class Amf3Reader(AmfBudget budget)
{
    private sealed record Traits(string ClassName, string[] Names, bool IsDynamic);

    private readonly AmfReferences _references = new(budget);
    private readonly List<string> _texts = [];
    private readonly List<Traits> _traits = [];

    public AmfValue Read(ref AmfBytes bytes)
    {
        budget.Take();
        int marker = bytes.Byte();
        switch (marker)
        {
            case 0x00:
                return AmfValue.Undefined;
            case 0x01:
                return AmfValue.Null;
            case 0x02 or 0x03:
                return AmfValue.Of(marker == 0x03);
            case 0x04:
                return AmfValue.Of((UInt29(ref bytes) << 3) >> 3); // 29 bits with a sign
            case 0x05:
                return AmfValue.Of(bytes.Double());
            case 0x06:
                return AmfValue.Of(Text(ref bytes));
            default:
                return ReadComplex(marker, ref bytes);
        }
    }

    /// <summary>All these begin with a number whose lowest bit tells a value from a reference to one (3.8 and on).</summary>
    private AmfValue ReadComplex(int marker, ref AmfBytes bytes)
    {
        if (marker is not (>= 0x07 and <= 0x10))
            throw new AmfException($"unknown AMF3 marker {marker}");
        int head = UInt29(ref bytes);
        if ((head & 1) == 0)
            return _references.At(head >> 1);

        int index = _references.Enter();
        int count = head >> 1;
        var value = marker switch
        {
            0x07 or 0x0B => AmfValue.Of(bytes.Text(count)), // XML, old and new
            0x08 => AmfValue.Date(bytes.Double()),
            0x09 => ReadArray(count, ref bytes),
            0x0A => ReadObject(head, ref bytes),
            0x0C => AmfValue.Of(bytes.Take(count).ToArray()),
            0x0D or 0x0E or 0x0F => ReadNumbers(marker, count, ref bytes),
            0x10 => ReadVector(count, ref bytes),
            _ => throw new AmfException($"unknown AMF3 marker {marker}"),
        };
        return _references.Leave(index, value);
    }

    private AmfValue ReadArray(int count, ref AmfBytes bytes)
    {
        var named = ReadNamed(new AmfObject { IsEcmaArray = true }, ref bytes);
        if (named.Members.Count == 0)
            return ReadItems(count, ref bytes);
        // An array with names is an object whose dense part is named 0, 1, 2.
        for (int i = 0; i < count; i++)
            Add(named, i.ToString(CultureInfo.InvariantCulture), Read(ref bytes));
        return AmfValue.Of(named);
    }

    private AmfValue ReadItems(int count, ref AmfBytes bytes)
    {
        if (count > bytes.Left)
            throw new AmfException("more items than the message has bytes");
        var items = new List<AmfValue>();
        for (int i = 0; i < count; i++)
            items.Add(Read(ref bytes));
        return AmfValue.Of(items);
    }

    private AmfValue ReadVector(int count, ref AmfBytes bytes)
    {
        bytes.Take(1); // of a fixed length or not
        Text(ref bytes); // the type of its items, which tell theirs themselves
        return ReadItems(count, ref bytes);
    }

    private AmfValue ReadNumbers(int marker, int count, ref AmfBytes bytes)
    {
        bytes.Take(1);
        if (count > bytes.Left / (marker == 0x0F ? 8 : 4))
            throw new AmfException("more items than the message has bytes");
        var items = new List<AmfValue>();
        for (int i = 0; i < count; i++)
        {
            budget.Take();
            items.Add(AmfValue.Of(marker switch { 0x0D => (int)bytes.UInt32(), 0x0E => bytes.UInt32(), _ => bytes.Double() }));
        }
        return AmfValue.Of(items);
    }

    private AmfValue ReadObject(int head, ref AmfBytes bytes)
    {
        var traits = (head & 2) == 0 ? KnownTraits(head >> 2) : NewTraits(head, ref bytes);
        var members = new AmfObject { ClassName = traits.ClassName };
        foreach (string name in traits.Names)
            members.Add(name, Read(ref bytes));
        return AmfValue.Of(traits.IsDynamic ? ReadNamed(members, ref bytes) : members);
    }

    private Traits KnownTraits(int index) => index < _traits.Count ? _traits[index] : throw new AmfException("a reference to traits that were not given");

    private Traits NewTraits(int head, ref AmfBytes bytes)
    {
        // How an externalizable object is written only its class knows.
        if ((head & 4) != 0)
            throw new AmfException("an object that only its own class can read");
        int count = head >> 4;
        if (count > Math.Min(bytes.Left, AmfBudget.MostMembers))
            throw new AmfException("an object with too many members");
        string className = Text(ref bytes);
        var names = new string[count];
        for (int i = 0; i < count; i++)
            names[i] = Text(ref bytes);
        var traits = new Traits(className, names, (head & 8) != 0);
        _traits.Add(traits);
        return traits;
    }

    private AmfObject ReadNamed(AmfObject members, ref AmfBytes bytes)
    {
        while (Text(ref bytes) is { Length: > 0 } name)
            Add(members, name, Read(ref bytes));
        return members;
    }

    private static void Add(AmfObject members, string name, AmfValue value)
    {
        if (members.Members.Count == AmfBudget.MostMembers)
            throw new AmfException("an object with too many members");
        members.Add(name, value);
    }

    /// <summary>The empty one is never referred to and stands in no table (1.3.2).</summary>
    private string Text(ref AmfBytes bytes)
    {
        int head = UInt29(ref bytes);
        if ((head & 1) == 0)
            return head >> 1 < _texts.Count ? _texts[head >> 1] : throw new AmfException("a reference to a string that was not given");
        string text = bytes.Text(head >> 1);
        if (text.Length > 0)
            _texts.Add(text);
        return text;
    }

    /// <summary>Seven bits a byte, and eight of a fourth (1.3.1).</summary>
    private static int UInt29(ref AmfBytes bytes)
    {
        int value = 0;
        for (int i = 0; i < 3; i++)
        {
            int part = bytes.Byte();
            value = (value << 7) | (part & 0x7F);
            if (part < 0x80)
                return value;
        }
        return (value << 8) | bytes.Byte();
    }
}
