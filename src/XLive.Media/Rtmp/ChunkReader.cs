using System.Buffers.Binary;

namespace XLive.Media.Rtmp;

/// <summary>
/// Chunks in, messages out (RTMP 1.0, 5.3). Input comes in pieces of any size, and all of it is consumed: a header in pieces is kept in <see cref="_header"/>,
/// a payload in its chunk stream. A message that lies in one piece as one chunk is handed out where it lies.
/// Set Chunk Size and Abort are the reader's own and are carried out here: the first counts from the very next chunk on.
/// </summary>
/// <remarks>
///     header --(whole)--> extended? --(none, or its 4 bytes)--> payload --(chunk's end)--> header
/// Of a type 3 chunk it is not known whether the extended timestamp is repeated: the specification wants it, librtmp and FFmpeg before 2011 left it out. So the next
/// bytes are compared with it one by one; at the first that differs, those that did not are payload.
/// </remarks>
public sealed class ChunkReader
{
    private enum State : byte
    {
        Header,
        Extended,
        Repeated,
        Payload,
    }

    private const int DefaultChunkSize = 128;
    private const int LargestChunk = 0xFFFFFF;
    private const uint Extended = 0xFFFFFF;

    private readonly ChunkStreams _streams = new();
    private readonly byte[] _header = new byte[3 + 11];
    private readonly byte[] _extended = new byte[4];
    private ChunkStream _current = null!; // set with every header
    private State _state;
    private int _headerRead;
    private int _extendedRead;
    private int _chunkLeft;
    private ReadOnlyMemory<byte> _putBack; // read before the input
    private bool _putBackAnew;

    public int ChunkSize { get; private set; } = DefaultChunkSize;

    /// <summary>Whether a message may be a frame. A stranger's, and a player's, are none.</summary>
    public bool TakesMedia
    {
        get => _streams.MostHeld == RtmpLimits.Held;
        set => _streams.MostHeld = value ? RtmpLimits.Held : RtmpLimits.HeldOfOthers;
    }

    /// <summary>Memory that messages which have begun, and buffers kept for the next, take.</summary>
    public int Held => _streams.Held;

    /// <returns>False: there is no whole message yet, and the input is consumed.</returns>
    public bool Read(ReadOnlyMemory<byte> input, out int consumed, out RtmpMessage message)
    {
        int at = 0;
        while (true)
        {
            bool again = !_putBack.IsEmpty;
            var piece = again ? _putBack : input[at..];
            if (piece.IsEmpty && !(_state == State.Payload && _chunkLeft == 0))
                break;

            // A step that puts bytes back has seen to what is left of those that were.
            _putBackAnew = false;
            int taken = Step(piece, out var payload, out bool whole);
            if (!again)
                at += taken;
            else if (!_putBackAnew)
                _putBack = _putBack[taken..];

            if (whole && !CarryOut(_current, payload.Span))
            {
                consumed = at;
                message = new RtmpMessage(_current.Type, _current.StreamId, _current.Timestamp, payload);
                return true;
            }
        }
        consumed = at;
        message = default;
        return false;
    }

    private int Step(ReadOnlyMemory<byte> piece, out ReadOnlyMemory<byte> payload, out bool whole)
    {
        payload = default;
        whole = false;
        return _state switch
        {
            State.Header => ReadHeader(piece.Span),
            State.Extended => ReadExtended(piece.Span),
            State.Repeated => ReadRepeated(piece.Span),
            _ => ReadPayload(piece, out payload, out whole),
        };
    }

    private int ReadHeader(ReadOnlySpan<byte> input)
    {
        int taken = 0;
        do
        {
            if (taken == input.Length)
                return taken;
            _header[_headerRead++] = input[taken++];
        }
        while (_headerRead < HeaderLength());

        int format = _header[0] >> 6;
        int basic = BasicLength();
        _current = _streams.At(ChunkStreamId());
        _headerRead = 0;
        Understand(format, _header.AsSpan(basic));
        return taken;
    }

    private int BasicLength() => (_header[0] & 0x3F) switch { 0 => 2, 1 => 3, _ => 1 };

    private int HeaderLength() => BasicLength() + ((_header[0] >> 6) switch { 0 => 11, 1 => 7, 2 => 3, _ => 0 });

    // Of three bytes the second is the lower (5.3.1.1).
    private int ChunkStreamId() => (_header[0] & 0x3F) switch
    {
        0 => 64 + _header[1],
        1 => 64 + _header[1] + (_header[2] << 8),
        var id => id,
    };

    private void Understand(int format, ReadOnlySpan<byte> header)
    {
        var stream = _current;
        if (format == 3)
        {
            // A first chunk without a header is a message of nothing, at 0: some clients begin so (SRS #1006).
            if (!stream.HasBegun)
                stream.Timestamp += stream.Delta;
            if (stream.IsExtended)
            {
                _state = State.Repeated;
                return;
            }
        }
        else
        {
            if (stream.HasBegun)
                throw new RtmpException(RtmpFault.ChunkHeader, "a message begins where another of its chunk stream is not whole");
            uint field = UInt24(header);
            if (format <= 1)
            {
                stream.MessageLength = (int)UInt24(header[3..]);
                stream.Type = (RtmpMessageType)header[6];
            }
            if (format == 0)
                stream.StreamId = BinaryPrimitives.ReadUInt32LittleEndian(header[7..]);
            stream.IsExtended = field == Extended;
            // Until the field is known; for a first chunk of type 1 or 2 the zero is the base (librtmp's ping).
            if (format == 0)
                stream.Timestamp = 0;
            if (stream.IsExtended)
            {
                _state = State.Extended;
                return;
            }
            Advance(field);
        }
        BeginChunk();
    }

    private void Advance(uint field)
    {
        _current.Delta = field;
        _current.Timestamp += field;
    }

    private int ReadExtended(ReadOnlySpan<byte> input)
    {
        int taken = Math.Min(4 - _extendedRead, input.Length);
        input[..taken].CopyTo(_extended.AsSpan(_extendedRead));
        _extendedRead += taken;
        if (_extendedRead == 4)
        {
            _extendedRead = 0;
            Advance(BinaryPrimitives.ReadUInt32BigEndian(_extended));
            BeginChunk();
        }
        return taken;
    }

    /// <summary>The field as it stood in the header, or what it came to: both are sent.</summary>
    private int ReadRepeated(ReadOnlySpan<byte> input)
    {
        int taken = 0;
        while (taken < input.Length)
        {
            _extended[_extendedRead] = input[taken];
            if (!Begins(_current.Delta, _extendedRead + 1) && !Begins(_current.Timestamp, _extendedRead + 1))
            {
                PutBack(_extended.AsSpan(0, _extendedRead), taken);
                _extendedRead = 0;
                BeginChunk();
                return taken;
            }
            taken++;
            if (++_extendedRead == 4)
            {
                _extendedRead = 0;
                BeginChunk();
                return taken;
            }
        }
        return taken;
    }

    private bool Begins(uint value, int length)
    {
        for (int i = 0; i < length; i++)
        {
            if (_extended[i] != (byte)(value >> (24 - (8 * i))))
                return false;
        }
        return true;
    }

    /// <summary>Bytes that looked like an extended timestamp are payload, and where this chunk has fewer left, the next header.</summary>
    /// <param name="taken">How many of them, the last, are of the piece that is being read.</param>
    private void PutBack(ReadOnlySpan<byte> bytes, int taken)
    {
        // Where that piece was put back itself, what is left of it stays behind them.
        var left = _putBack.IsEmpty ? default : _putBack[taken..];
        byte[] both = [.. bytes, .. left.Span];
        _putBack = both;
        _putBackAnew = true;
    }

    private void BeginChunk()
    {
        var stream = _current;
        if (!stream.HasBegun)
        {
            if (stream.MessageLength > (TakesMedia ? RtmpLimits.Of(stream.Type) : RtmpLimits.OtherMessage))
                throw new RtmpException(RtmpFault.MessageTooLong, $"a message of type {(byte)stream.Type} and {stream.MessageLength} bytes");
            stream.HasBegun = true;
            stream.Arrived = 0;
        }
        _chunkLeft = Math.Min(ChunkSize, stream.MessageLength - stream.Arrived);
        _state = State.Payload;
    }

    private int ReadPayload(ReadOnlyMemory<byte> input, out ReadOnlyMemory<byte> payload, out bool whole)
    {
        var stream = _current;
        int taken = Math.Min(_chunkLeft, input.Length);
        if (stream.Arrived == 0 && taken == stream.MessageLength)
        {
            payload = input[..taken];
            _chunkLeft = 0;
            whole = true;
        }
        else
        {
            Append(input.Span[..taken]);
            whole = stream.Arrived == stream.MessageLength;
            payload = whole ? stream.Buffer.AsMemory(0, stream.Arrived) : default;
        }
        if (_chunkLeft == 0)
            _state = State.Header;
        if (whole)
        {
            stream.HasBegun = false;
            // The memory that was handed out stays with whoever has it.
            _streams.Trim(stream);
        }
        return taken;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        var stream = _current;
        _streams.Reserve(stream, stream.Arrived + bytes.Length);
        bytes.CopyTo(stream.Buffer.AsSpan(stream.Arrived));
        stream.Arrived += bytes.Length;
        _chunkLeft -= bytes.Length;
    }

    private bool CarryOut(ChunkStream stream, ReadOnlySpan<byte> payload)
    {
        if (stream.Type is not (RtmpMessageType.SetChunkSize or RtmpMessageType.Abort))
            return false;
        if (payload.Length < 4)
            throw new RtmpException(RtmpFault.ControlMessage, $"a {stream.Type} of {payload.Length} bytes");
        uint value = BinaryPrimitives.ReadUInt32BigEndian(payload);
        if (stream.Type == RtmpMessageType.Abort)
            _streams.Abort(value);
        else if (value is 0 or > int.MaxValue)
            throw new RtmpException(RtmpFault.ChunkSize, $"a chunk size of {value}");
        else
            ChunkSize = (int)Math.Min(value, LargestChunk); // no message is longer (5.4.1)
        return true;
    }

    private static uint UInt24(ReadOnlySpan<byte> bytes) => (uint)((bytes[0] << 16) | (bytes[1] << 8) | bytes[2]);
}
