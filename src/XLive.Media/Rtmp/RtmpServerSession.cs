using System.Buffers;
using System.Buffers.Binary;

namespace XLive.Media.Rtmp;

/// <summary>
/// A server's side of one connection: bytes in, events and bytes out. It knows no socket and no clock. Whoever owns it reads until there is no event, and
/// sends what stands in <see cref="Output"/>. At a request it stops: the owner answers when it can, with <see cref="Accept"/> or <see cref="Refuse"/>, and
/// what the peer has sent behind the request waits, unread, with the owner.
/// One role a connection: it publishes one stream at a time, or plays one.
/// </summary>
/// <remarks>For one thread at a time.</remarks>
public sealed partial class RtmpServerSession(Random random) : RtmpSession(takesMedia: false)
{
    private enum Role : byte
    {
        None,
        Publishing,
        Playing,
    }

    private const uint PingEvery = 30_000; // nginx-rtmp has 60 s, SRS none

    private readonly ServerHandshake _handshake = new(random);
    private RtmpReplies? _replies;

    private Role _role;
    private uint _roleStream;
    private long _beforeRole;

    private uint? _pinged; // or when the first look was

    public override bool IsHandshakeDone => _handshake.IsDone;

    public override bool IsWaiting => _pending is not null;

    public bool IsPublishing => _role == Role.Publishing;

    public bool IsPlaying => _role == Role.Playing;

    /// <summary>The message stream on which the role was asked for: a player's messages go there.</summary>
    public uint StreamId => _roleStream;

    /// <summary>Memory that the peer's messages take.</summary>
    public int Held => Chunks.Held;

    /// <summary>And how much it may be; of a peer that does not publish less.</summary>
    public static int MostHeld => RtmpLimits.Held;

    private RtmpReplies Replies => _replies ??= new RtmpReplies(Output);

    /// <summary>To be called every second or so.</summary>
    public void Tick(uint now)
    {
        // Modulo 2^32: after 49 days they begin anew.
        if (!_isConnected || IsOver || now - (_pinged ??= now) < PingEvery)
            return;
        _pinged = now;
        ControlMessages.User(Output, UserControl.PingRequest, now);
    }

    private protected override int Shake(ReadOnlySpan<byte> input, uint now) => _handshake.Read(input, now, Output);

    private protected override bool Counted(int taken)
    {
        if (_role == Role.None)
        {
            _beforeRole += taken;
            if (_beforeRole > RtmpLimits.BeforePublish)
                throw new RtmpException(RtmpFault.TooMuchBeforePublish, $"more than {RtmpLimits.BeforePublish >> 10} KiB before it publishes or plays");
        }
        return _handshake.IsDone;
    }

    private protected override bool Understand(in RtmpMessage message, out RtmpEvent occurred)
    {
        occurred = default;
        switch (message.Type)
        {
            case RtmpMessageType.Audio or RtmpMessageType.Video when _role == Role.Publishing:
                occurred = new RtmpEvent(message.Type == RtmpMessageType.Audio ? RtmpEventKind.Audio : RtmpEventKind.Video, message);
                return true;
            case RtmpMessageType.Aggregate when _role == Role.Publishing:
                Unpack(message);
                return false;
            case RtmpMessageType.Data or RtmpMessageType.DataAmf3 when _role == Role.Publishing:
                return UnderstandData(message, out occurred);
            case RtmpMessageType.Command or RtmpMessageType.CommandAmf3:
                return Obey(message, out occurred);
            case RtmpMessageType.UserControl:
                UnderstandControl(message.Payload.Span);
                return false;
            case RtmpMessageType.WindowAcknowledgementSize:
                AcknowledgeEvery(UInt32(message));
                return false;
            case RtmpMessageType.SetPeerBandwidth:
                // It limits what we send, which TCP does; what it asks for in return is our window (5.4.5).
                _ = UInt32(message);
                ControlMessages.WindowAcknowledgementSize(Output, ReceiveWindow.Usual);
                return false;
            default:
                // Acknowledgements, shared objects, media that nobody asked for, and what is not known: no peer is left for it.
                return false;
        }
    }

    private void UnderstandControl(ReadOnlySpan<byte> payload)
    {
        // An event that is cut short is none; buffer lengths and what else a client tells change nothing here.
        if (payload.Length >= 6 && (UserControl)BinaryPrimitives.ReadUInt16BigEndian(payload) == UserControl.PingRequest)
            ControlMessages.User(Output, UserControl.PingResponse, BinaryPrimitives.ReadUInt32BigEndian(payload[2..]));
    }

    private static uint UInt32(in RtmpMessage message) => message.Payload.Length >= 4
        ? BinaryPrimitives.ReadUInt32BigEndian(message.Payload.Span)
        : throw new RtmpException(RtmpFault.ControlMessage, $"a {message.Type} of {message.Payload.Length} bytes");
}
