using System.Buffers.Binary;

namespace XLive.Media.Fmp4;

/// <summary>Boxes of ISO/IEC 14496-12 4.2 into memory that is large enough; a box has its size when it is closed.</summary>
internal ref struct BoxWriter(Span<byte> output)
{
    private readonly Span<byte> _output = output;

    public int Length { get; private set; }

    public readonly Span<byte> Written => _output[..Length];

    /// <returns>For <see cref="Close"/>.</returns>
    public int Open(ReadOnlySpan<byte> type)
    {
        var at = Length;
        UInt32(0);
        Bytes(type);
        return at;
    }

    /// <summary>A FullBox: with a version and flags.</summary>
    public int Open(ReadOnlySpan<byte> type, byte version, uint flags = 0)
    {
        var at = Open(type);
        UInt32(((uint)version << 24) | flags);
        return at;
    }

    public readonly void Close(int at) => BinaryPrimitives.WriteInt32BigEndian(_output[at..], Length - at);

    public void Byte(byte value) => _output[Length++] = value;

    public void UInt16(int value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_output[Length..], (ushort)value);
        Length += 2;
    }

    public void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_output[Length..], value);
        Length += 4;
    }

    public void Int32(int value) => UInt32((uint)value);

    public void UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_output[Length..], value);
        Length += 8;
    }

    public void Zeros(int count)
    {
        _output.Slice(Length, count).Clear();
        Length += count;
    }

    public void Bytes(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_output[Length..]);
        Length += bytes.Length;
    }
}
