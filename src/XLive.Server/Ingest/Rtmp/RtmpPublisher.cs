using XLive.Media;
using XLive.Media.Rtmp;
using XLive.Server.Accounts;
using XLive.Server.Live;
using XLive.Server.Rtmp;

namespace XLive.Server.Ingest.Rtmp;

/// <summary>One publisher's messages on their way to its stream: FLV bodies in, frames out.</summary>
internal sealed partial class RtmpPublisher : IRtmpPublisher
{
    private readonly StreamName _name;
    private readonly Publication _turn;
    private readonly FlvFeed _feed;
    private readonly FurtherPictures _further;
    private readonly CancellationTokenRegistration _cut;
    private readonly Func<bool> _comesBack;
    private readonly ILogger _log;

    /// <param name="beginFurther">The stream of another of his pictures.</param>
    /// <param name="comesBack">Though he says good-bye.</param>
    public RtmpPublisher(StreamName name, Publication turn, RtmpConnection connection, Func<StreamName, Publication?> beginFurther, Func<bool> comesBack, TimeProvider clock, ILogger log)
    {
        (_name, _turn, _comesBack, _log) = (name, turn, comesBack, log);
        _further = new FurtherPictures(name, beginFurther, clock, (of, words) => LogLeftOut(log, of.ToString(), words));
        _feed = new FlvFeed(turn, words => LogLeftOut(log, name.ToString(), words), further: _further);
        _cut = turn.Cut.UnsafeRegister(o => connection.Close("NetStream.Publish.Denied", WordsOf(turn)), null);
    }

    public void Take(in RtmpEvent occurred)
    {
        // Metadata is not asked: what a stream is, its configurations say.
        if (occurred.Kind is not (RtmpEventKind.Audio or RtmpEventKind.Video))
            return;
        var kind = occurred.Kind == RtmpEventKind.Video ? TrackKind.Video : TrackKind.Audio;
        var message = occurred.Message;
        _feed.Take(kind, message.Timestamp, message.Payload);
    }

    public void End(RtmpEnd how)
    {
        _cut.Unregister();
        _turn.End(how switch
        {
            RtmpEnd.Said => _comesBack() ? PublishEnd.Lost : PublishEnd.Finished,
            RtmpEnd.Cut => PublishEnd.Stopping,
            _ => PublishEnd.Lost,
        });
        // He may have been ended before, and for another reason: with him all that is his.
        var why = _turn.EndedFor!.Value;
        LogEnded(_log, _name.ToString(), why, how, _turn.Received, _feed.Dropped, _feed.Discontinuities);
        foreach (var picture in _further.All)
        {
            picture.Turn!.End(why);
            LogEnded(_log, picture.Name.ToString(), picture.Turn.EndedFor!.Value, how, picture.Turn.Received, picture.Dropped, picture.Discontinuities);
        }
    }

    private static string WordsOf(Publication turn) => turn.EndedFor switch
    {
        PublishEnd.TakenOver => "Another publisher has taken the stream over.",
        PublishEnd.Kicked => "Publishing was ended by an operator.",
        PublishEnd.Revoked when turn.Publisher.Key.StartsWith(ApiTokens.Holder, StringComparison.Ordinal) => "The token has been revoked.",
        PublishEnd.Revoked => "The stream key has been removed.",
        PublishEnd.OutOfMemory => "The stream needs more memory than live.memory_per_stream.",
        PublishEnd.ServerFull => "The server is full: memory is short; try again later.",
        _ => "Publishing has ended.",
    };

    [LoggerMessage(LogLevel.Warning, "{Stream}: not all of what is published is carried: {Words}")]
    private static partial void LogLeftOut(ILogger log, string stream, string words);

    [LoggerMessage(LogLevel.Information, "{Stream}: publishing ended: {Why} ({How}) after {Bytes} bytes; {Dropped} messages dropped, {Discontinuities} discontinuities")]
    private static partial void LogEnded(ILogger log, string stream, PublishEnd why, RtmpEnd how, long bytes, long dropped, long discontinuities);
}
