using System.Buffers.Binary;
using System.Text;

namespace XLive.Server.Operations.Metrics;

/// <summary>
/// Protocol Buffers, as much of them as OTLP's metrics need (protobuf.dev/programming-guides/encoding). The length of a message stands before
/// it and is known after it, so it has four bytes in any case: a varint may be longer than it need be, and every parser takes one that is.
/// The buffer stays for the next message.
/// </summary>
internal sealed class ProtobufWriter
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Delimited = 2;
    private const int LengthBytes = 4;

    private byte[] _bytes = new byte[32 << 10];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Clear() => Length = 0;

    /// <summary>What was written from there on never was.</summary>
    public void CutTo(int length) => Length = length;

    /// <summary>A message within this one, or numbers packed, up to <see cref="End"/>.</summary>
    public int Begin(int field)
    {
        Tag(field, Delimited);
        Room(LengthBytes);
        return Length;
    }

    public void End(int begun)
    {
        var length = Length - begun;
        var at = _bytes.AsSpan(begun - LengthBytes, LengthBytes);
        for (var i = 0; i < LengthBytes; i++)
            at[i] = (byte)((length >> (7 * i)) & 0x7F | (i < LengthBytes - 1 ? 0x80 : 0));
    }

    public void Number(int field, uint value)
    {
        Tag(field, Varint);
        Bare(value);
    }

    public void Fixed(int field, ulong value)
    {
        Tag(field, Fixed64);
        Packed(value);
    }

    public void Double(int field, double value) => Fixed(field, BitConverter.DoubleToUInt64Bits(value));

    public void Text(int field, string value)
    {
        Tag(field, Delimited);
        var size = Encoding.UTF8.GetByteCount(value);
        Bare((uint)size);
        Encoding.UTF8.GetBytes(value, Room(size));
    }

    /// <summary>One of the numbers of eight bytes between <see cref="Begin"/> and <see cref="End"/>.</summary>
    public void Packed(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Room(sizeof(ulong)), value);

    private void Tag(int field, int wireType) => Bare((uint)(field << 3 | wireType));

    private void Bare(uint value)
    {
        for (; value >= 0x80; value >>= 7)
            Room(1)[0] = (byte)(value | 0x80);
        Room(1)[0] = (byte)value;
    }

    private Span<byte> Room(int size)
    {
        if (Length + size > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + size));
        var room = _bytes.AsSpan(Length, size);
        Length += size;
        return room;
    }
}
