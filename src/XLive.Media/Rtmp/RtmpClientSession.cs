using System.Buffers;
using System.Buffers.Binary;
using XLive.Media.Amf;

namespace XLive.Media.Rtmp;

/// <summary>
/// A client's side of one connection, to push a stream to another server or to fetch it from there: bytes in, events and bytes out, like
/// <see cref="RtmpServerSession"/>. It raises Established once, or Refused, or NotTaken; then media comes (play), or the owner writes it with <see cref="ChunkWriter"/> (publish).
/// </summary>
/// <remarks>For one thread at a time.</remarks>
public sealed class RtmpClientSession : RtmpSession
{
    private const int ConnectTransaction = 1;
    private const int CreateTransaction = 4;
    private const int RoleTransaction = 5;
    private const uint BufferMilliseconds = 3000;

    private readonly RtmpTarget _target;
    private readonly ArrayBufferWriter<byte> _body = new();
    private readonly ClientHandshake _handshake = new();
    private bool _hasConnected;
    private int _chunkSize = 128;

    /// <summary>The first bytes stand in its output at once.</summary>
    public RtmpClientSession(RtmpTarget target, uint now, Random random)
        : base(takesMedia: !target.Publishes)
    {
        _target = target;
        ClientHandshake.Begin(now, random, Output);
    }

    /// <summary>The message stream that media belongs to.</summary>
    public uint StreamId { get; private set; }

    /// <summary>What the server said at connect that it takes.</summary>
    public RtmpCodecs Codecs { get; private set; } = RtmpCodecs.Old;

    public bool IsEstablished { get; private set; }

    public override bool IsHandshakeDone => _handshake.IsDone;

    private protected override int Shake(ReadOnlySpan<byte> input, uint now)
    {
        int taken = _handshake.Read(input, now, Output);
        if (_handshake.IsDone)
            Connect();
        return taken;
    }

    private protected override bool Counted(int taken) => _hasConnected;

    /// <summary>
    /// The polite end, to be sent before the connection is closed; also of what was asked for and not answered yet, for the answer may be on its way. Who was refused has
    /// nothing to end: FCUnpublish goes by the name, which is another's then.
    /// </summary>
    public void Leave()
    {
        if (StreamId == 0 || IsOver)
            return;
        if (_target.Publishes)
            Say(0, "FCUnpublish", 0, _target.Name);
        Begin("deleteStream", 0).Number(StreamId);
        Send(0);
        IsOver = true;
    }

    private void Connect()
    {
        var amf = Begin("connect", ConnectTransaction, withObject: true);
        amf.Member("app", _target.App);
        if (_target.Publishes)
            amf.Member("type", "nonprivate");
        // Servers look at it to tell encoders from players, and take FMLE's word.
        amf.Member("flashVer", _target.Path.Length == 0 ? "FMLE/3.0 (compatible; XLive)" : $"FMLE/3.0 (compatible; XLive; via {_target.Path})");
        amf.Member("tcUrl", _target.TcUrl);
        RtmpCodecs.Write(amf);
        amf.End();
        Send(0);
    }

    private protected override bool Understand(in RtmpMessage message, out RtmpEvent occurred)
    {
        occurred = default;
        switch (message.Type)
        {
            case RtmpMessageType.Audio or RtmpMessageType.Video when IsEstablished && !_target.Publishes:
                occurred = new RtmpEvent(message.Type == RtmpMessageType.Audio ? RtmpEventKind.Audio : RtmpEventKind.Video, message);
                return true;
            case RtmpMessageType.Aggregate when IsEstablished && !_target.Publishes:
                Unpack(message);
                return false;
            case RtmpMessageType.Command or RtmpMessageType.CommandAmf3:
                return Obey(message, out occurred);
            case RtmpMessageType.UserControl:
                return UnderstandControl(message.Payload.Span, out occurred);
            case RtmpMessageType.WindowAcknowledgementSize when message.Payload.Length >= 4:
                AcknowledgeEvery(BinaryPrimitives.ReadUInt32BigEndian(message.Payload.Span));
                return false;
            case RtmpMessageType.SetPeerBandwidth:
                ControlMessages.WindowAcknowledgementSize(Output, ReceiveWindow.Usual);
                return false;
            default:
                // Metadata too: what a stream is its frames say.
                return false;
        }
    }

    private bool UnderstandControl(ReadOnlySpan<byte> payload, out RtmpEvent occurred)
    {
        occurred = default;
        if (payload.Length < 6)
            return false;
        uint value = BinaryPrimitives.ReadUInt32BigEndian(payload[2..]);
        switch ((UserControl)BinaryPrimitives.ReadUInt16BigEndian(payload))
        {
            case UserControl.PingRequest:
                ControlMessages.User(Output, UserControl.PingResponse, value);
                return false;
            case UserControl.StreamEnd when IsEstablished && value == StreamId:
                return End(new RtmpEvent(RtmpEventKind.PlayEnded), out occurred);
            default:
                return false;
        }
    }

    private bool Obey(in RtmpMessage message, out RtmpEvent occurred)
    {
        occurred = default;
        var command = RtmpCommand.Read(message);
        switch (command.Name)
        {
            case "_result" when command.Transaction == ConnectTransaction && !_hasConnected:
                _hasConnected = true;
                // What is fetched says what it is by itself.
                if (_target.Publishes && !IsTaken(ref command, out var other))
                    return End(new RtmpEvent(RtmpEventKind.NotTaken, other), out occurred);
                AskForStream();
                return false;
            case "_result" when command.Transaction == CreateTransaction && StreamId == 0:
                command.Next();
                StreamId = command.Next().Number is >= 1 and <= uint.MaxValue and var id ? (uint)id : throw new RtmpException(RtmpFault.Command, "createStream without a number");
                AskForRole();
                return false;
            // Whether a server knows releaseStream and FCPublish is all the same.
            case "_error" when command.Transaction is ConnectTransaction or CreateTransaction:
                command.Next();
                return Refused(command.Next().Object, out occurred);
            case "onStatus":
                command.Next();
                return UnderstandStatus(command.Next().Object, out occurred);
            default:
                return false;
        }
    }

    /// <summary>
    /// Whether the server says nothing against these codecs. Most that take them by FourCC say nothing at all: Enhanced RTMP v1 has no word for it (enhanced-rtmp #11), and FFmpeg
    /// and OBS send without one. One that names codecs is held to it.
    /// </summary>
    private bool IsTaken(ref RtmpCommand connected, out Track? other)
    {
        // The specification has it beside the code, in the second; there are servers with all that they are in the first.
        var (properties, information) = (connected.Next().Object, connected.Next().Object);
        Codecs = RtmpCodecs.Read(information);
        if (!Codecs.IsNamed)
            Codecs = RtmpCodecs.Read(properties);
        other = null;
        for (int i = 0; Codecs.IsNamed && other is null && i < _target.Tracks.Count; i++)
            other = Codecs.Takes(_target.Tracks[i].Codec) ? null : _target.Tracks[i];
        return other is null;
    }

    private bool UnderstandStatus(AmfObject? said, out RtmpEvent occurred)
    {
        occurred = default;
        string code = said?["code"].Text ?? "";
        if (said?["level"].Text == "error")
            return Refused(said, out occurred);
        switch (code)
        {
            case "NetStream.Publish.Start" when _target.Publishes && !IsEstablished:
            case "NetStream.Play.Start" when !_target.Publishes && !IsEstablished:
                IsEstablished = true;
                occurred = new RtmpEvent(RtmpEventKind.Established);
                return true;
            case "NetStream.Play.UnpublishNotify" or "NetStream.Play.Stop" or "NetStream.Play.Complete":
                return End(new RtmpEvent(RtmpEventKind.PlayEnded), out occurred);
            default:
                return false;
        }
    }

    private bool Refused(AmfObject? said, out RtmpEvent occurred) =>
        End(new RtmpEvent(RtmpEventKind.Refused, new RtmpStatus(said?["code"].Text ?? "", said?["description"].Text ?? "")), out occurred);

    private bool End(RtmpEvent how, out RtmpEvent occurred)
    {
        IsOver = true;
        occurred = how;
        return true;
    }

    private void AskForStream()
    {
        ControlMessages.WindowAcknowledgementSize(Output, ReceiveWindow.Usual);
        ControlMessages.SetChunkSize(Output, ChunkWriter.ChunkSize);
        _chunkSize = ChunkWriter.ChunkSize;
        if (_target.Publishes)
        {
            Say(0, "releaseStream", 2, _target.Name);
            Say(0, "FCPublish", 3, _target.Name);
        }
        Begin("createStream", CreateTransaction);
        Send(0);
    }

    private void AskForRole()
    {
        var amf = Begin(_target.Publishes ? "publish" : "play", RoleTransaction);
        amf.Text(_target.Name);
        if (_target.Publishes)
            amf.Text("live");
        else
            amf.Number(-2000); // live, or else recorded (7.2.2.1); in milliseconds, as all clients have it
        Send(StreamId);
        if (_target.Publishes)
            return;
        // FMS sends nothing to who has no buffer.
        Span<byte> buffer = stackalloc byte[10];
        BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)UserControl.SetBufferLength);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[2..], StreamId);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[6..], BufferMilliseconds);
        ChunkWriter.Write(Output, ChunkWriter.ControlChunks, RtmpMessageType.UserControl, 0, 0, buffer, _chunkSize);
    }

    private void Say(uint streamId, string name, int transaction, string text)
    {
        Begin(name, transaction).Text(text);
        Send(streamId);
    }

    private Amf0Writer Begin(string name, int transaction, bool withObject = false)
    {
        _body.ResetWrittenCount();
        var amf = new Amf0Writer(_body);
        amf.Text(name);
        amf.Number(transaction);
        if (withObject)
            amf.BeginObject();
        else
            amf.Null();
        return amf;
    }

    private void Send(uint streamId) => ChunkWriter.Write(Output, ChunkWriter.CommandChunks, RtmpMessageType.Command, streamId, 0, _body.WrittenSpan, _chunkSize);
}
