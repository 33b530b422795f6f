using XLive.Media.Amf;

namespace XLive.Media.Rtmp;

/// <summary>The commands of a client, and what it is answered.</summary>
public sealed partial class RtmpServerSession
{
    private object? _pending; // RtmpConnect, RtmpPublish or RtmpPlay
    private double _pendingTransaction;
    private bool _isConnected;
    private int _streams; // message streams that were created: bit n is stream n

    private bool Obey(in RtmpMessage message, out RtmpEvent occurred)
    {
        occurred = default;
        var command = RtmpCommand.Read(message);
        if (!_isConnected && command.Name != "connect")
            throw new RtmpException(RtmpFault.Command, "a command before connect");
        switch (command.Name)
        {
            case "connect" when !_isConnected:
                return Ask(RtmpEventKind.ConnectRequested, RtmpConnect.Read(command.Next().Object), command.Transaction, out occurred);
            case "createStream":
                CreateStream(command.Transaction);
                return false;
            case "publish":
                return Publish(message.StreamId, ref command, out occurred);
            case "play":
                return Play(message.StreamId, ref command, out occurred);
            case "closeStream":
                return EndRole(message.StreamId, out occurred);
            case "deleteStream":
                command.Next();
                return DeleteStream(command.Next().Number, out occurred);
            case "FCUnpublish":
                Result(command.Transaction);
                return _role == Role.Publishing && EndRole(_roleStream, out occurred);
            case "FCPublish":
                Result(command.Transaction);
                Replies.FCPublish();
                return false;
            case "releaseStream" or "_checkbw" or "FCSubscribe":
                Result(command.Transaction);
                return false;
            case "getStreamLength":
                Replies.Result(command.Transaction, 0); // of what is live nobody knows
                return false;
            case "pause" or "pauseRaw":
                return Pause(ref command, out occurred);
            case "receiveAudio":
                return Want(ref command, RtmpEventKind.AudioWanted, RtmpEventKind.AudioUnwanted, out occurred);
            case "receiveVideo":
                return Want(ref command, RtmpEventKind.VideoWanted, RtmpEventKind.VideoUnwanted, out occurred);
            case "seek":
                Replies.Status(message.StreamId, "error", "NetStream.Seek.Failed", "This is live.");
                return false;
            case "_result" or "_error" or "onStatus":
                return false;
            default:
                // Never the end of a connection: encoders call by many names. Whoever waits for an answer is told.
                if (command.Transaction != 0)
                    Replies.Rejected(command.Transaction, "NetConnection.Call.Failed", "There is no such method.");
                return false;
        }
    }

    /// <summary>What was asked for is granted.</summary>
    public void Accept()
    {
        switch (_pending)
        {
            case RtmpConnect connect:
                _isConnected = true;
                ControlMessages.WindowAcknowledgementSize(Output, ReceiveWindow.Usual);
                ControlMessages.SetPeerBandwidth(Output, ReceiveWindow.Usual);
                ControlMessages.SetChunkSize(Output, ChunkWriter.ChunkSize);
                Replies.ChunkSize = ChunkWriter.ChunkSize;
                ControlMessages.User(Output, UserControl.StreamBegin, 0);
                Replies.Connected(_pendingTransaction, connect.ObjectEncoding, connect.Codecs.IsEnhanced);
                break;
            case RtmpPublish publish:
                (_role, _roleStream) = (Role.Publishing, publish.StreamId);
                Chunks.TakesMedia = true;
                Replies.Status(publish.StreamId, "status", "NetStream.Publish.Start", "Publishing has begun.");
                break;
            case RtmpPlay play:
                (_role, _roleStream) = (Role.Playing, play.StreamId);
                ControlMessages.User(Output, UserControl.StreamBegin, play.StreamId);
                if (play.Reset)
                    Replies.Status(play.StreamId, "status", "NetStream.Play.Reset", "The playlist begins anew.");
                Replies.Status(play.StreamId, "status", "NetStream.Play.Start", "Playing has begun.");
                Replies.SampleAccess(play.StreamId);
                break;
            default:
                throw new InvalidOperationException("nothing was asked for");
        }
        _pending = null;
    }

    /// <summary>What was asked for is not granted; the connection is over. Encoders try again by themselves, and on a new one.</summary>
    public void Refuse(string code, string description)
    {
        switch (_pending)
        {
            case RtmpConnect:
                Replies.Rejected(_pendingTransaction, code, description);
                break;
            case RtmpPublish publish:
                Replies.Status(publish.StreamId, "error", code, description);
                break;
            case RtmpPlay play:
                Replies.Status(play.StreamId, "error", code, description);
                break;
            default:
                throw new InvalidOperationException("nothing was asked for");
        }
        _pending = null;
        IsOver = true;
    }

    /// <summary>A player's stream has ended.</summary>
    public void EndPlay()
    {
        Replies.Status(_roleStream, "status", "NetStream.Play.UnpublishNotify", "The stream has ended.");
        ControlMessages.User(Output, UserControl.StreamEnd, _roleStream);
        Replies.Status(_roleStream, "status", "NetStream.Play.Stop", "Playing has ended.");
        (_role, _beforeRole) = (Role.None, 0);
    }

    /// <summary>By us, against the peer's will: another has taken its place, or somebody ended it.</summary>
    public void Close(string code, string description)
    {
        if (_isConnected)
            Replies.Status(_roleStream, "error", code, description);
        IsOver = true;
    }

    private bool Ask(RtmpEventKind kind, object request, double transaction, out RtmpEvent occurred)
    {
        (_pending, _pendingTransaction) = (request, transaction);
        occurred = new RtmpEvent(kind, request);
        return true;
    }

    private void Result(double transaction)
    {
        if (transaction != 0)
            Replies.Result(transaction);
    }

    private void CreateStream(double transaction)
    {
        for (int id = 1; id <= RtmpLimits.MessageStreams; id++)
        {
            if ((_streams & (1 << id)) != 0)
                continue;
            _streams |= 1 << id;
            Replies.Result(transaction, id);
            return;
        }
        Replies.Rejected(transaction, "NetConnection.Call.Failed", $"There are {RtmpLimits.MessageStreams} streams already.");
    }

    private bool Publish(uint streamId, ref RtmpCommand command, out RtmpEvent occurred)
    {
        command.Next();
        var (name, query) = RtmpName.Split(command.Next().Text ?? "");
        string mode = command.Next().Text ?? "live";
        occurred = default;
        if (_role == Role.None)
            return Ask(RtmpEventKind.PublishRequested, new RtmpPublish(streamId, name, query, mode), 0, out occurred);
        Replies.Status(streamId, "error", "NetStream.Publish.BadName", "This connection has a stream already.");
        return false;
    }

    private bool Play(uint streamId, ref RtmpCommand command, out RtmpEvent occurred)
    {
        command.Next();
        var (name, query) = RtmpName.Split(command.Next().Text ?? "");
        double start = command.Next().Number ?? -2;
        double duration = command.Next().Number ?? -1;
        // A number in old clients: 0 and 1 are of Flash, 2 and 3 return data only.
        var reset = command.Next();
        occurred = default;
        if (_role == Role.None)
            return Ask(RtmpEventKind.PlayRequested, new RtmpPlay(streamId, name, query, start, duration, reset.Truth ?? reset.Number != 0), 0, out occurred);
        Replies.Status(streamId, "error", "NetStream.Play.Failed", "This connection has a stream already.");
        return false;
    }

    private bool DeleteStream(double? id, out RtmpEvent occurred)
    {
        occurred = default;
        if (id is not (>= 0 and <= RtmpLimits.MessageStreams))
            return false;
        _streams &= ~(1 << (int)id.Value);
        return EndRole((uint)id.Value, out occurred);
    }

    /// <summary>However a client says that it is done: FCUnpublish, closeStream and deleteStream mostly come together.</summary>
    private bool EndRole(uint streamId, out RtmpEvent occurred)
    {
        occurred = default;
        if (_role == Role.None || streamId != _roleStream)
            return false;
        bool published = _role == Role.Publishing;
        (_role, _beforeRole) = (Role.None, 0);
        if (published)
            Replies.Status(streamId, "status", "NetStream.Unpublish.Success", "Publishing has ended.");
        occurred = new RtmpEvent(published ? RtmpEventKind.PublishEnded : RtmpEventKind.PlayEnded);
        return true;
    }

    private bool Pause(ref RtmpCommand command, out RtmpEvent occurred)
    {
        occurred = default;
        command.Next();
        bool pause = command.Next().Truth ?? true;
        if (_role != Role.Playing)
            return false;
        Replies.Status(_roleStream, "status", pause ? "NetStream.Pause.Notify" : "NetStream.Unpause.Notify", pause ? "Paused." : "Resumed.");
        occurred = new RtmpEvent(pause ? RtmpEventKind.Paused : RtmpEventKind.Resumed);
        return true;
    }

    private bool Want(ref RtmpCommand command, RtmpEventKind wanted, RtmpEventKind unwanted, out RtmpEvent occurred)
    {
        command.Next();
        occurred = new RtmpEvent(command.Next().Truth ?? true ? wanted : unwanted);
        return _role == Role.Playing;
    }

    /// <summary>FFmpeg and Flash put onMetaData behind @setDataFrame, librtmp's users do not. What cannot be read is passed over: no frame hangs on it.</summary>
    private static bool UnderstandData(in RtmpMessage message, out RtmpEvent occurred)
    {
        occurred = default;
        var body = RtmpCommand.Body(message);
        var payload = message.Payload[^body.Length..];
        try
        {
            var reader = new Amf0Reader(body);
            string? name = reader.Read().Text;
            if (name == "@setDataFrame")
            {
                payload = payload[reader.Position..];
                name = reader.ReadOptional().Text;
            }
            if (string.IsNullOrEmpty(name) || name == "@clearDataFrame")
                return false;
        }
        catch (AmfException)
        {
            return false;
        }
        occurred = new RtmpEvent(RtmpEventKind.Data, new RtmpMessage(RtmpMessageType.Data, message.StreamId, message.Timestamp, payload));
        return true;
    }
}
