using Microsoft.AspNetCore.Http;
using XLive.Media;
using XLive.Media.Rtmp;
using XLive.Server.Access;
using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.Rtmp;

/// <summary>From `play` to the hub: the gate of all viewers is asked, then the name.</summary>
internal sealed class RtmpPlayers(LiveStreams streams, Shards shards, PlaybackGate gate, TimeProvider clock) : IRtmpPlayers
{
    private const string NotFound = "NetStream.Play.StreamNotFound";
    internal const string Denied = "NetStream.Play.Failed";
    internal const string OtherCodec = "codec";

    internal Shards Shards => shards;

    /// <summary>Called after every play, and after each that was refused, with the monotonic time at its end.</summary>
    public Action<PlayRequest, long>? Completed { get; set; }

    public async ValueTask<RtmpAdmission<IRtmpPlayer>> AdmitAsync(RtmpConnection connection, RtmpPlay play, CancellationToken gone)
    {
        if (!StreamName.TryOf(connection.Connect.App, play.Name, out var name))
            return RtmpAdmission<IRtmpPlayer>.Refused(NotFound, "A stream's name is letters, digits and ._~- up to 128, without a leading dot.");
        var request = PlayRequest.Of(name.Value, play.Query.Length > 0 ? play.Query : connection.Connect.Query, clock.GetTimestamp(), connection);
        var admission = gate.Admit(request);
        if (admission.Pending is { } pending)
            admission = await pending;
        if (!admission.Granted)
        {
            Refuse(request, admission.Status, admission.Reason);
            return RtmpAdmission<IRtmpPlayer>.Refused(Denied, WordsOf(admission), new RtmpRefusal(admission.Reason, admission.Kid, request.Target.Raw));
        }
        if (await streams.FindAsync(name.Value) is not { } stream)
        {
            Refuse(request, StatusCodes.Status404NotFound, "");
            return RtmpAdmission<IRtmpPlayer>.Refused(NotFound, "Nobody publishes a stream of that name.", new RtmpRefusal("no_stream", admission.Kid, request.Target.Raw));
        }
        if (Lacking(connection, stream.Video, stream.Audio) is { } lacking)
        {
            Refuse(request, StatusCodes.Status415UnsupportedMediaType, OtherCodec);
            return RtmpAdmission<IRtmpPlayer>.Refused(Denied, WordsOf(lacking), new RtmpRefusal(OtherCodec, admission.Kid, request.Target.Raw));
        }
        connection.Paces = request.Paces;
        admission.Meter.CountRequest(FileKind.Flv, request.Remote);
        return RtmpAdmission<IRtmpPlayer>.Granted(new RtmpPlayer(stream, admission.Meter, request, connection, this));
    }

    /// <summary>
    /// Codecs by FourCC are sent to those alone who said at connect that they take them: others read the head as that of an old codec, and show nothing or break.
    /// </summary>
    /// <returns>The one that he does not take; null: he takes both.</returns>
    internal static Track? Lacking(RtmpConnection connection, Track? video, Track? audio)
    {
        var codecs = connection.Connect.Codecs;
        return video is not null && !codecs.Takes(video.Codec) ? video : audio is not null && !codecs.Takes(audio.Codec) ? audio : null;
    }

    internal static string WordsOf(Track lacking) =>
        $"The stream's {(lacking.IsVideo ? "video" : "audio")} is {lacking.CodecName}, which the player has not said it takes (fourCcList).";

    private void Refuse(PlayRequest request, int status, string reason)
    {
        (request.Status, request.RefusedFor) = (status, reason);
        End(request);
    }

    internal void End(PlayRequest request) => Completed?.Invoke(request, clock.GetTimestamp());

    private static string WordsOf(in Admission admission) => admission.Status switch
    {
        StatusCodes.Status429TooManyRequests when admission.TooMany is { } tooMany => tooMany.Words,
        StatusCodes.Status503ServiceUnavailable => "The server takes no more viewers now.",
        StatusCodes.Status401Unauthorized => $"The stream needs a link that is right: {admission.Reason}.",
        _ => $"The stream may not be played: {admission.Reason}.",
    };
}
