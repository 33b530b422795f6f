using System.Buffers.Binary;

namespace XLive.Server.Playback.HttpFlv;

/// <summary>What a viewer's bytes came to.</summary>
internal enum ViewerSays : byte
{
    Nothing,
    Close,
    Ping,

    /// <summary>It is no WebSocket client's.</summary>
    Faulty,

    /// <summary>More in one message than a viewer has to say.</summary>
    TooLong,
}

/// <summary>
/// The frames of a WebSocket's client (RFC 6455 section 5), who has nothing to say but that it lives or goes: messages are passed over as they come, and what
/// is kept is one control frame at most. Bytes may come in pieces of any size.
/// </summary>
internal sealed class ViewerFrames
{
    public const int LongestMessage = 64 << 10;

    private const int LongestControl = 125;
    private const byte Final = 0x80, Reserved = 0x70, Masked = 0x80, Control = 8, Close = 8, Ping = 9, Pong = 10;

    private readonly byte[] _header = new byte[14];
    private readonly byte[] _control = new byte[LongestControl];
    private int _headerRead;
    private int _payloadRead;
    private int _payloadLength;
    private int _message = -1; // bytes of the message that has begun

    private bool IsControl => (_header[0] & Control) != 0;

    /// <summary>Of the close or the ping that was just read.</summary>
    public ReadOnlyMemory<byte> Payload => _control.AsMemory(0, _payloadLength);

    /// <summary>Reads up to the first that is to be answered; after a fault nothing more may be read.</summary>
    public ViewerSays Read(ReadOnlySpan<byte> input, out int consumed)
    {
        consumed = 0;
        while (true)
        {
            while (_headerRead < HeaderLength())
            {
                if (consumed == input.Length)
                    return ViewerSays.Nothing;
                _header[_headerRead++] = input[consumed++];
                if (_headerRead == 2 && !IsAllowed())
                    return ViewerSays.Faulty;
                if (_headerRead == HeaderLength() && !TryBegin())
                    return ViewerSays.TooLong;
            }
            var taken = Math.Min(input.Length - consumed, _payloadLength - _payloadRead);
            if (IsControl)
                Unmask(input.Slice(consumed, taken));
            consumed += taken;
            _payloadRead += taken;
            if (_payloadRead < _payloadLength)
                return ViewerSays.Nothing;
            _headerRead = 0;
            if (!IsControl && (_header[0] & Final) != 0)
                _message = -1;
            else if (IsControl && (_header[0] & 0xF) != Pong)
                return (_header[0] & 0xF) == Close ? ViewerSays.Close : ViewerSays.Ping;
        }
    }

    private int HeaderLength() => _headerRead < 2 ? 2 : (_header[1] & 0x7F) switch { 126 => 8, 127 => 14, _ => 6 };

    private bool IsAllowed()
    {
        var (opcode, isFinal) = (_header[0] & 0xF, (_header[0] & Final) != 0);
        // No extension was agreed on, and what a client sends is masked (sections 5.1, 5.2).
        if ((_header[0] & Reserved) != 0 || (_header[1] & Masked) == 0)
            return false;
        return IsControl ? isFinal && (_header[1] & 0x7F) <= LongestControl && opcode is (Close or Ping or Pong) : opcode <= 2 && (opcode == 0) == (_message >= 0);
    }

    private bool TryBegin()
    {
        ulong length = (uint)_header[1] & 0x7F;
        if (length == 126)
            length = BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(2));
        else if (length == 127)
            length = BinaryPrimitives.ReadUInt64BigEndian(_header.AsSpan(2));
        if (!IsControl)
        {
            _message = Math.Max(_message, 0);
            if (length > (ulong)(LongestMessage - _message))
                return false;
            _message += (int)length;
        }
        (_payloadRead, _payloadLength) = (0, (int)length);
        return true;
    }

    private void Unmask(ReadOnlySpan<byte> piece)
    {
        var mask = _header.AsSpan(HeaderLength() - 4, 4);
        for (var i = 0; i < piece.Length; i++)
            _control[_payloadRead + i] = (byte)(piece[i] ^ mask[(_payloadRead + i) & 3]);
    }
}
