using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace XLive.Media.Amf;

/// <summary>Writes what servers and encoders say. There is no writer of AMF3: no peer asks for it, a command of type 17 is AMF0 behind a byte.</summary>
public readonly ref struct Amf0Writer(IBufferWriter<byte> output)
{
    public void Number(double number)
    {
        var place = output.GetSpan(9);
        place[0] = (byte)Amf0Marker.Number;
        BinaryPrimitives.WriteDoubleBigEndian(place[1..], number);
        output.Advance(9);
    }

    public void Boolean(bool truth) => Put((byte)Amf0Marker.Boolean, truth ? (byte)1 : (byte)0);

    public void Null() => Put((byte)Amf0Marker.Null);

    public void Undefined() => Put((byte)Amf0Marker.Undefined);

    public void Text(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        var place = output.GetSpan(5 + length);
        int head = length > ushort.MaxValue ? 5 : 3;
        if (head == 5)
            BinaryPrimitives.WriteInt32BigEndian(place[1..], length);
        else
            BinaryPrimitives.WriteUInt16BigEndian(place[1..], (ushort)length);
        place[0] = (byte)(head == 5 ? Amf0Marker.LongText : Amf0Marker.Text);
        Encoding.UTF8.GetBytes(text, place[head..]);
        output.Advance(head + length);
    }

    public void Date(double milliseconds)
    {
        var place = output.GetSpan(11);
        place[0] = (byte)Amf0Marker.Date;
        BinaryPrimitives.WriteDoubleBigEndian(place[1..], milliseconds);
        place[9..11].Clear();
        output.Advance(11);
    }

    public void BeginObject() => Put((byte)Amf0Marker.Object);

    public void BeginEcmaArray(int count) => Counted(Amf0Marker.EcmaArray, count);

    public void BeginStrictArray(int count) => Counted(Amf0Marker.StrictArray, count);

    /// <summary>Of a member; its value comes next.</summary>
    public void Name(string name)
    {
        int length = Encoding.UTF8.GetByteCount(name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, ushort.MaxValue);
        var place = output.GetSpan(2 + length);
        BinaryPrimitives.WriteUInt16BigEndian(place, (ushort)length);
        Encoding.UTF8.GetBytes(name, place[2..]);
        output.Advance(2 + length);
    }

    public void End() => Put(0, 0, (byte)Amf0Marker.ObjectEnd);

    public void Member(string name, string text)
    {
        Name(name);
        Text(text);
    }

    public void Member(string name, double number)
    {
        Name(name);
        Number(number);
    }

    public void Member(string name, bool truth)
    {
        Name(name);
        Boolean(truth);
    }

    private void Counted(Amf0Marker marker, int count)
    {
        var place = output.GetSpan(5);
        place[0] = (byte)marker;
        BinaryPrimitives.WriteInt32BigEndian(place[1..], count);
        output.Advance(5);
    }

    private void Put(params ReadOnlySpan<byte> bytes) => output.Write(bytes);
}
