using System.Buffers.Binary;
using System.Text;

namespace XLive.Media.Amf;

/// <summary>Takes big-endian numbers and text from the front of a message.</summary>
internal ref struct AmfBytes(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int At { get; private set; }

    public readonly int Left => _bytes.Length - At;

    public ReadOnlySpan<byte> Take(int count)
    {
        if ((uint)count > (uint)Left)
            throw new AmfException("the message ends within a value");
        At += count;
        return _bytes.Slice(At - count, count);
    }

    public byte Byte() => Take(1)[0];
    public int UInt16() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));
    public uint UInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));
    public double Double() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    /// <summary>A length of its own, which may be any: checked before it is an index.</summary>
    public int Length32()
    {
        uint length = UInt32();
        return length <= (uint)Left ? (int)length : throw new AmfException("a length beyond the message's end");
    }

    /// <summary>What is no UTF-8, Latin-1 of old encoders mostly, is read with U+FFFD in its place.</summary>
    public string Text(int length) => length == 0 ? "" : Encoding.UTF8.GetString(Take(length));

    public readonly bool StartsWith(ReadOnlySpan<byte> prefix) => _bytes[At..].StartsWith(prefix);
}
