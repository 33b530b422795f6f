namespace XLive.Media.Flv;

/// <summary>
/// What a publisher's audio and video come to, whether messages of RTMP or tags of an FLV stream: frames of two tracks in one time. Only frames have a
/// time here: encoders repeat a configuration with the time 0, and that is no jump.
/// </summary>
public sealed class FlvDemuxer(Timestamp begin)
{
    private readonly FlvVideo _video = new();
    private readonly FlvAudio _audio = new();
    private readonly Timeline _timeline = new(begin);
    private readonly long[] _dropped = new long[Enum.GetValues<FlvFault>().Length];

    public Track? Video => _video.Track;
    public Track? Audio => _audio.Track;

    /// <summary>Of the frame that came last.</summary>
    public Timestamp Time { get; private set; } = begin;

    /// <summary>Frames whose time ran back a little.</summary>
    public long Held { get; private set; }

    public long Discontinuities { get; private set; }

    /// <summary>What was wrong with the body that was dropped last, for the log.</summary>
    public string FaultText { get; private set; } = "";

    /// <summary>Bodies that gave no frame.</summary>
    public long Dropped { get; private set; }

    public long DroppedFor(FlvFault fault) => _dropped[(int)fault];

    /// <param name="timestamp">As it came: milliseconds, modulo 2^32.</param>
    /// <param name="frame">Its payload lies in the body, or stands until the next call.</param>
    /// <param name="discontinuity">The source's clock has jumped before this frame.</param>
    public FlvContent Read(TrackKind kind, uint timestamp, ReadOnlyMemory<byte> body, out Frame frame, out bool discontinuity)
    {
        discontinuity = false;
        var content = kind == TrackKind.Video
            ? _video.Read(body, default, out frame, out var fault)
            : _audio.Read(body, default, out frame, out fault);
        if (content == FlvContent.Dropped)
        {
            Dropped++;
            _dropped[(int)fault]++;
            FaultText = kind == TrackKind.Video ? _video.FaultText : _audio.FaultText;
        }
        if (content != FlvContent.Frame)
            return content;

        var step = _timeline.Next(kind, timestamp, out var time);
        discontinuity = step == TimelineStep.Discontinuity;
        Discontinuities += discontinuity ? 1 : 0;
        Held += step == TimelineStep.Held ? 1 : 0;
        Time = time;
        frame = new Frame(frame.Track, time, frame.CompositionOffset, frame.Flags, frame.Payload);
        return FlvContent.Frame;
    }
}
