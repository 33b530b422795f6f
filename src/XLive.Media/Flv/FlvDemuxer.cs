namespace XLive.Media.Flv;

/// <summary>
/// What a publisher's audio and video come to, whether messages of RTMP or tags of an FLV stream: frames of two tracks in one time. Only frames have a
/// time here: encoders repeat a configuration with the time 0, and that is no jump.
/// </summary>
/// <param name="picture">Of several tracks of video the id of that which is read; of audio it is the first.</param>
public sealed class FlvDemuxer(Timestamp begin, int picture = 0)
{
    private readonly FlvVideo _video = new(picture);
    private readonly FlvAudio _audio = new();
    private readonly Timeline _timeline = new(begin);
    private Timestamp _lastVideo = new(long.MinValue);
    private Timestamp _lastAudio = new(long.MinValue);
    private readonly long[] _dropped = new long[Enum.GetValues<FlvFault>().Length];

    public Track? Video => _video.Track;
    public Track? Audio => _audio.Track;

    /// <summary>Of the frame that came last.</summary>
    public Timestamp Time { get; private set; } = begin;

    /// <inheritdoc cref="Timeline.ToSource"/>
    public long ToSource => _timeline.ToSource;

    /// <summary>Frames whose time ran back a little.</summary>
    public long Held { get; private set; }

    public long Discontinuities { get; private set; }

    /// <summary>What was wrong with the body that was dropped last, and its words for the log.</summary>
    public FlvFault Fault { get; private set; }
    public string FaultText { get; private set; } = "";

    /// <summary>Bodies that gave no frame.</summary>
    public long Dropped { get; private set; }

    public long DroppedFor(FlvFault fault) => _dropped[(int)fault];

    /// <summary>What came of tracks of video beside that which is read, and was left out.</summary>
    public long OtherPictures => _video.OtherTracks;

    /// <summary>Likewise of audio.</summary>
    public long OtherSounds => _audio.OtherTracks;

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
            Fault = fault;
            FaultText = kind == TrackKind.Video ? _video.FaultText : _audio.FaultText;
        }
        if (content != FlvContent.Frame)
            return content;

        var step = _timeline.Next(kind, timestamp, out var time);
        discontinuity = step == TimelineStep.Discontinuity;
        Discontinuities += discontinuity ? 1 : 0;
        Held += step == TimelineStep.Held ? 1 : 0;
        time = Refine(kind, time);
        Time = time;
        frame = new Frame(frame.Track, time, frame.CompositionOffset, frame.Flags, frame.Payload);
        return FlvContent.Frame;
    }

    /// <summary>By what enhanced RTMP tells beyond the millisecond, as far as ticks go; nobody keeps encoders from telling it now and then only.</summary>
    private Timestamp Refine(TrackKind kind, Timestamp time)
    {
        ref var last = ref kind == TrackKind.Video ? ref _lastVideo : ref _lastAudio;
        time += (kind == TrackKind.Video ? _video.Nanoseconds : _audio.Nanoseconds) * (long)Timestamp.PerMillisecond / 1_000_000;
        return last = time < last ? last : time;
    }
}
