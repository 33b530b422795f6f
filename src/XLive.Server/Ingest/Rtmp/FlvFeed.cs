using XLive.Media;
using XLive.Media.Flv;
using XLive.Server.Live;

namespace XLive.Server.Ingest.Rtmp;

/// <summary>What a publisher's FLV bodies come to in its stream, whether messages of RTMP or tags over HTTP brought them.</summary>
/// <param name="warn">Of what is not carried: each kind of fault once, and once that there are more tracks.</param>
/// <param name="picture">Of several tracks of video the id of this stream's.</param>
/// <param name="further">Who takes the others. Null: nobody.</param>
internal sealed class FlvFeed(Publication turn, Action<string>? warn = null, int picture = 0, FurtherPictures? further = null)
{
    private readonly FlvDemuxer _demuxer = new(turn.Begin, picture);
    private int _warned; // a bit for each fault; the first is that of no fault
    private Track? _video;
    private Track? _audio;

    public long Dropped => _demuxer.Dropped;
    public long Discontinuities => _demuxer.Discontinuities;

    public void Take(TrackKind kind, uint timestamp, ReadOnlyMemory<byte> body)
    {
        var content = _demuxer.Read(kind, timestamp, body, out var frame, out var discontinuity);
        if (content is FlvContent.Frame or FlvContent.Track)
            Announce(kind);
        if (content == FlvContent.Frame)
        {
            turn.ToSource = _demuxer.ToSource;
            turn.Publish(frame, discontinuity);
        }
        if (content == FlvContent.Dropped)
        {
            turn.Refused = _demuxer.Dropped;
            Warn(_demuxer.Fault, _demuxer.FaultText);
        }
        // Of another's track its own feed says it.
        if (picture == 0 && (_demuxer.OtherSounds > 0 || (further is null && _demuxer.OtherPictures > 0)))
            Warn(FlvFault.None, further is null ? "of several audio or video tracks the first, which has the id 0, is carried" : "of several audio tracks the first, which has the id 0, is carried");
        if (further is null)
            return;
        if (kind == TrackKind.Audio)
            further.TakeSound(content == FlvContent.Track, timestamp, body);
        else if (FlvTracks.OfVideo(body) is var tracks and > 1)
            further.TakePictures(tracks, timestamp, body);
    }

    private void Warn(FlvFault fault, string words)
    {
        if ((_warned & (1 << (int)fault)) != 0)
            return;
        _warned |= 1 << (int)fault;
        warn?.Invoke(words);
    }

    /// <summary>A configuration of its own, or parameter sets that changed within a frame.</summary>
    private void Announce(TrackKind kind)
    {
        ref var known = ref kind == TrackKind.Video ? ref _video : ref _audio;
        var track = kind == TrackKind.Video ? _demuxer.Video! : _demuxer.Audio!;
        if (ReferenceEquals(known, track))
            return;
        known = track;
        turn.Announce(track, _demuxer.Time);
    }
}
