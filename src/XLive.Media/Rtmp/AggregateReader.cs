using System.Buffers.Binary;

namespace XLive.Media.Rtmp;

/// <summary>
/// The messages within an Aggregate (7.1.6), FLV tags each. Their times count from the first one's, which is the aggregate's; its stream is theirs.
/// </summary>
internal struct AggregateReader(in RtmpMessage aggregate)
{
    private const int TagHeader = 11;
    private const int BackPointer = 4;

    private readonly RtmpMessage _aggregate = aggregate;
    private int _at;
    private int _count;
    private uint _first;

    public bool Read(out RtmpMessage message)
    {
        message = default;
        var rest = _aggregate.Payload[_at..];
        if (rest.IsEmpty)
            return false;
        if (++_count > RtmpLimits.AggregateParts)
            throw new RtmpException(RtmpFault.Aggregate, $"an aggregate of more than {RtmpLimits.AggregateParts} messages");
        if (rest.Length < TagHeader)
            throw new RtmpException(RtmpFault.Aggregate, "an aggregate that ends within a header");

        var header = rest.Span;
        int length = (header[1] << 16) | (header[2] << 8) | header[3];
        uint timestamp = (uint)((header[7] << 24) | (header[4] << 16) | (header[5] << 8) | header[6]);
        if (length > rest.Length - TagHeader)
            throw new RtmpException(RtmpFault.Aggregate, "an aggregate that ends within a message");
        if (_count == 1)
            _first = timestamp;

        message = new RtmpMessage((RtmpMessageType)header[0], _aggregate.StreamId, _aggregate.Timestamp + (timestamp - _first), rest.Slice(TagHeader, length));
        _at += TagHeader + length;

        // The last may have none. One that points elsewhere tells that the lengths are not what they seem.
        var pointer = header[(TagHeader + length)..];
        if (pointer.Length is > 0 and < BackPointer || (pointer.Length >= BackPointer && BinaryPrimitives.ReadUInt32BigEndian(pointer) != TagHeader + length))
            throw new RtmpException(RtmpFault.Aggregate, "a back pointer in an aggregate that does not point back");
        _at += Math.Min(pointer.Length, BackPointer);
        return true;
    }
}
