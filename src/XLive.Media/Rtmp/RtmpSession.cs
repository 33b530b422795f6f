using System.Buffers;

namespace XLive.Media.Rtmp;

/// <summary>
/// What both sides of a connection do with bytes: the handshake, then chunks, then messages, one by one and out of aggregates, and acknowledgements of them.
/// It knows no socket and no clock. Whoever owns it reads until there is no event, and sends what stands in <see cref="Output"/>.
/// </summary>
/// <remarks>For one thread at a time.</remarks>
public abstract class RtmpSession
{
    private AggregateReader _aggregate;
    private bool _inAggregate;
    private ReceiveWindow _window = new();

    private protected RtmpSession(bool takesMedia) => Chunks = new ChunkReader { TakesMedia = takesMedia };

    /// <summary>To be sent, and then reset.</summary>
    public ArrayBufferWriter<byte> Output { get; } = new();

    /// <summary>When <see cref="Output"/> is sent, the connection is to be closed.</summary>
    public bool IsOver { get; private protected set; }

    /// <summary>A request has been raised and not been answered.</summary>
    public virtual bool IsWaiting => false;

    private protected ChunkReader Chunks { get; }

    public abstract bool IsHandshakeDone { get; }

    /// <summary>As much of the input as belongs to the handshake.</summary>
    private protected abstract int Shake(ReadOnlySpan<byte> input, uint now);

    /// <summary>So many bytes more were read. False: it is too early to acknowledge any.</summary>
    private protected abstract bool Counted(int taken);

    /// <returns>Whether the message is an event.</returns>
    private protected abstract bool Understand(in RtmpMessage message, out RtmpEvent occurred);

    /// <param name="now">Milliseconds, modulo 2^32.</param>
    /// <returns>False: all that may be read is read.</returns>
    /// <exception cref="RtmpException">The peer is no peer. <see cref="Output"/> may still be sent.</exception>
    public bool Read(ReadOnlyMemory<byte> input, uint now, out int consumed, out RtmpEvent occurred)
    {
        consumed = 0;
        occurred = default;
        while (!IsWaiting && !IsOver)
        {
            if (_inAggregate)
            {
                if (!_aggregate.Read(out var part))
                    _inAggregate = false;
                else if (part.Type != RtmpMessageType.Aggregate && Understand(part, out occurred))
                    return true;
                continue;
            }
            if (consumed == input.Length)
                return false;

            int taken;
            RtmpMessage message = default;
            bool any = false;
            if (IsHandshakeDone)
                any = Chunks.Read(input[consumed..], out taken, out message);
            else
                taken = Shake(input.Span[consumed..], now);
            consumed += taken;
            _window.Count(taken);
            if (Counted(taken))
                _window.Acknowledge(Output);
            if (any && Understand(message, out occurred))
                return true;
        }
        return false;
    }

    /// <summary>Its parts come one by one, before anything that follows it.</summary>
    private protected void Unpack(in RtmpMessage aggregate)
    {
        _aggregate = new AggregateReader(aggregate);
        _inAggregate = true;
    }

    /// <summary>The peer wants to hear each time that so much has come.</summary>
    private protected void AcknowledgeEvery(uint bytes) => _window.Resize(bytes);
}
