using System.Net;
using XLive.Media.Rtmp;
using XLive.Server.Access;
using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Telemetry;

namespace XLive.Server.Ingest.Rtmp;

/// <summary>From `publish` to the hub: the gate is asked, then the name.</summary>
internal sealed partial class RtmpIngest(LiveStreams streams, LiveRoom room, PublishGate gate, RelayPath path, AuditLog audit, ILogger<RtmpIngest> log) : IRtmpPublishers
{
    private const string Denied = "NetStream.Publish.Denied";
    private const string BadName = "NetStream.Publish.BadName";

    public async ValueTask<RtmpAdmission<IRtmpPublisher>> AdmitAsync(RtmpConnection connection, RtmpPublish publish, CancellationToken gone)
    {
        var address = connection.Remote ?? IPAddress.None;
        var query = publish.Query.Length > 0 ? publish.Query : connection.Connect.Query;
        var admission = await gate.AdmitAsync(address, connection.Connect.App, publish.Name, query);
        if (admission.Holder is not { } holder)
            return RtmpAdmission<IRtmpPublisher>.Refused(Denied, admission.Reason);
        // Whose stream is there already, a moment after a loss, takes nothing that it did not have.
        if (!(StreamName.TryOf(connection.Connect.App, admission.Stream, out var own) && streams.TryFind(own.Value, out _)) && room.WhyFull() is { } full)
        {
            room.CountRefused();
            audit.Refused("publish: " + full, null, address, null);
            return RtmpAdmission<IRtmpPublisher>.Refused(Denied, $"The server is full: {full}; try again later.");
        }
        if (!StreamName.TryOf(connection.Connect.App, admission.Stream, out var name))
            return RtmpAdmission<IRtmpPublisher>.Refused(BadName, "A stream's name is letters, digits and ._~- up to 128, without a leading dot.");
        if (path.IsCircle(connection.Connect.FlashVersion))
            return RtmpAdmission<IRtmpPublisher>.Refused(BadName, "The stream has been here before: it is forwarded in a circle.");
        // He may have gone while the gate was asked; what is begun here his connection ends.
        if (gone.IsCancellationRequested)
            return RtmpAdmission<IRtmpPublisher>.Refused(Denied, "The connection has ended.");

        var publisher = new Publisher(holder, address, connection.IsTls ? "rtmps" : "rtmp", connection.Connect.FlashVersion) { MadeOf = admission.MadeOf };
        if (streams.TryPublish(name.Value, publisher, out var refusal) is not { } turn)
            return RtmpAdmission<IRtmpPublisher>.Refused(BadName, refusal);
        LogBegun(log, name.Value.ToString(), holder, publisher.Protocol);
        return RtmpAdmission<IRtmpPublisher>.Granted(new RtmpPublisher(name.Value, turn, connection, further => Begin(further, publisher), () => MayBeMadeAgain(publisher), streams.Clock, log));
    }

    /// <summary>The stream of another of his pictures. The gate let him in for its event; a name that is somebody else's is not taken from him.</summary>
    private Publication? Begin(StreamName name, Publisher publisher)
    {
        var full = streams.TryFind(name, out _) ? null : room.WhyFull();
        if (full is not null)
            room.CountRefused();
        var refusal = full ?? "";
        var turn = full is null ? streams.TryPublish(name, publisher, out refusal, Takeover.Reject) : null;
        if (turn is null)
            LogNotBegun(log, name.ToString(), refusal);
        else
            LogBegun(log, name.ToString(), publisher.Key, publisher.Protocol);
        return turn;
    }

    /// <summary>As long as there is what it is made of, an encoder's end is not the stream's.</summary>
    private bool MayBeMadeAgain(Publisher publisher)
    {
        if (publisher.MadeOf is not { } source)
            return false;
        var slash = source.IndexOf('/', StringComparison.Ordinal);
        return streams.TryFind(new StreamName(source[..slash], source[(slash + 1)..]), out var stream) && !stream.IsOver;
    }

    [LoggerMessage(LogLevel.Warning, "{Stream}: a picture of several is not carried for now: {Why}")]
    private static partial void LogNotBegun(ILogger log, string stream, string why);

    [LoggerMessage(LogLevel.Information, "{Stream}: published by {Holder} over {Protocol}")]
    private static partial void LogBegun(ILogger log, string stream, string holder, string protocol);
}
