namespace XLive.Media.Hls;

/// <summary>
/// Frames in, segments out, in the container of an <see cref="ISegmentWriter"/>. Called by one; time is that of the frames, and the date is an argument.
///
/// What must hold whatever comes (RFC 8216 4.3.3.1): the target duration is fixed with the first segment, and no segment, rounded, is longer. So
/// (1) a segment ends at a key frame when it is long enough, or when another GOP like the last would make it too long;
/// (2) where none comes in time it ends without one, and the stream no longer claims independent segments;
/// (3) where nothing comes, it ends with what there was, and a discontinuity follows; as after times that jump and tracks that change.
/// Which tracks there are nobody knows beforehand. Nothing waits for that: the first segment, which nobody has seen, is mended when one comes late.
/// </summary>
public sealed partial class Segmenter(SegmenterOptions options, ISegmentWriter writer) : IDisposable
{
    /// <summary>In seconds. A GOP may be longer; segments are not, or a viewer waits half a minute for three.</summary>
    public const int LongestTarget = 10;

    // 4.49 rounds to 4, with a hundredth for what a player adds up otherwise.
    private const long Rounded = 49 * Timestamp.PerSecond / 100;

    // Milliseconds and late key frames: two seconds are often 1.998.
    private const long Early = Timestamp.PerSecond / 10;

    // What ends sooner, because something broke, is not worth a segment; without bound it would be any number of them.
    private const long Shortest = Timestamp.PerSecond / 10;

    // Who joins an event just before a segment of the others ends does not begin with less.
    private const long ShortestOfCell = Timestamp.PerSecond / 4;

    // Video that shows itself so soon after audio belongs to it; what was begun without is begun again.
    private const long TrackWait = Timestamp.PerSecond;

    private readonly SegmenterLane _video = new();
    private readonly SegmenterLane _audio = new();
    private readonly long _wanted = (long)(options.SegmentSeconds * Timestamp.PerSecond);
    private readonly int _wantedTarget = Math.Max(1, (int)Math.Ceiling(options.SegmentSeconds));

    // Of the open segment.
    private SegmentOpening _opening;
    private bool _isOpen;
    private bool _isFirst = true;
    private bool _isIndependent;
    private bool _isVideoEarly;
    private long _start;
    private long _end;
    private long _lastKey;
    private long _cell;
    private int _videoFrames;

    // Between segments.
    private long _refused;
    private bool _isBroken;
    private long _waitingSince = long.MaxValue;
    private long _anchor;
    private DateTimeOffset _anchorDate;
    private DateTimeOffset _endDate = DateTimeOffset.MinValue;
    private bool _hasAnchor;

    /// <summary>In seconds; 0 until the first segment is finished, then the same for ever.</summary>
    public int TargetDuration { get; private set; }

    /// <summary>Every segment so far could be begun with.</summary>
    public bool IsIndependent { get; private set; } = true;

    public SegmenterWarnings Warnings { get; private set; }

    /// <summary>In ticks, the last whole one.</summary>
    public long GopLength { get; private set; }

    /// <summary>A segment grew beyond its bound; no more is taken.</summary>
    public bool IsOverfull { get; private set; }

    /// <summary>Segments that were finished.</summary>
    public long Finished { get; private set; }

    /// <summary>Frames that no segment could hold.</summary>
    public long Refused => _refused + writer.Refused;

    /// <summary>What the open segment takes.</summary>
    public int OpenBytes => writer.OpenBytes;

    private long Target => Fixed > 0 ? Fixed : _wantedTarget;

    /// <summary>Another rendition of the event may have fixed it.</summary>
    private int Fixed => TargetDuration > 0 ? TargetDuration : options.Clock?.TargetDuration ?? 0;

    /// <summary>The end at which a segment must have been cut.</summary>
    private long Limit => ((Fixed > 0 ? Fixed : Math.Max(LongestTarget, _wantedTarget)) * (long)Timestamp.PerSecond) + Rounded;

    public void Write(in Frame frame, DateTimeOffset now)
    {
        if (IsOverfull)
            return;
        if (!writer.Carries(frame.Track))
        {
            Warnings |= SegmenterWarnings.TrackRefused;
            _refused++;
            return;
        }
        if (!writer.Takes(frame))
        {
            // Here already: a segment that begins with a key frame must have it.
            _refused++;
            return;
        }
        var lane = frame.Track.IsVideo ? _video : _audio;
        lane.Take(frame.Track);
        if (!TryPlace(lane, frame.Decoded.Ticks))
            return;
        lane.Seen++;
        if (!(_isOpen ? Admit(frame, lane, now) : MayOpen(frame, lane) && Open(frame, lane, now)))
            return;
        if (frame.Track.IsVideo)
        {
            _videoFrames++;
            if (frame.IsKey)
                _lastKey = lane.Last;
        }
        _end = Math.Max(_end, lane.Last + Math.Min(lane.Gap, Timestamp.PerSecond));
        writer.Write(new Frame(lane.Carried!, new Timestamp(lane.Last), frame.CompositionOffset, frame.Flags, frame.Payload));
        IsOverfull = writer.IsOverfull;
    }

    /// <summary>The publisher has gone: what there is becomes a segment. He may come back, then with times and tracks of his own.</summary>
    public void Break()
    {
        if (_isOpen)
            Close(_end, isBroken: true);
        _isBroken = _isBroken || TargetDuration > 0;
        (_isFirst, _isVideoEarly, _hasAnchor) = (true, false, false);
        _waitingSince = long.MaxValue;
        _video.Forget();
        _audio.Forget();
    }

    /// <summary>Segments that were given out are their holders'.</summary>
    public void Dispose()
    {
        _isOpen = false;
        writer.Dispose();
    }

    /// <summary>Whether the frame goes into a segment: the open one, or another that begins with it.</summary>
    private bool Admit(in Frame frame, SegmenterLane lane, DateTimeOffset now)
    {
        var length = lane.Last - _start;
        if (lane.Carried is null)
            return lane == _video ? AdmitVideo(frame, now) : AdmitAudio();
        var isLeading = lane == _video || _video.Carried is null;
        if (!isLeading && length + lane.Gap > Limit && IsVideoOnTime(lane.Last))
            return ReferenceEquals(lane.Track, lane.Carried);
        if (length > Limit)
        {
            // (3)
            BreakTime();
            return MayOpen(frame, lane) && Open(frame, lane, now);
        }
        var isCut = false;
        if (isLeading && (frame.IsKey || lane == _audio))
        {
            var gop = lane == _video ? lane.Last - _lastKey : lane.Gap;
            if (lane == _video && gop > 0)
                GopLength = gop;
            isCut = IsOther(lane) || (lane == _video && IsOther(_audio)) // (1)
                || IsLongEnough(length, lane)
                || length + gop > (Target * Timestamp.PerSecond) + Rounded;
        }
        else if (length + Math.Min(lane.Gap, Timestamp.PerSecond) > Limit)
        {
            // (2)
            isCut = true;
            Warnings |= SegmenterWarnings.LongGop;
        }
        if (isCut)
        {
            Close(lane.Last, isBroken: IsOther(_video) || IsOther(_audio));
            return Open(frame, lane, now);
        }
        return ReferenceEquals(lane.Track, lane.Carried);
    }

    /// <summary>By itself, or because the event's next segment begins.</summary>
    private bool IsLongEnough(long length, SegmenterLane lane) => options.Clock is { } clock
        ? clock.CellOf(lane.Last) != _cell && length >= ShortestOfCell
        : length >= _wanted - (lane == _video ? Early : lane.Gap / 2);

    /// <summary>It has a track that the open segment cannot take.</summary>
    private static bool IsOther(SegmenterLane lane) => lane.Seen > 0 && !ReferenceEquals(lane.Track, lane.Carried);

    /// <summary>The end is the video's to find, and audio often comes a little before it.</summary>
    private bool IsVideoOnTime(long audio) => audio - _video.Last < TrackWait && _video.Last + _video.Gap - _start <= Limit;

    private bool AdmitVideo(in Frame frame, DateTimeOffset now)
    {
        if (_isFirst && _video.Last - _start <= TrackWait)
            _isVideoEarly = true;
        if (!frame.IsKey)
            return false;
        if (_isFirst && _isVideoEarly && !writer.IsSeen)
            Discard();
        else
            Close(Math.Clamp(_video.Last, _start, _end), isBroken: true);
        return Open(frame, _video, now);
    }

    private bool AdmitAudio()
    {
        if (!_isFirst || writer.IsSeen)
            return false;
        _audio.Carried = _audio.Track;
        writer.AddAudio(_audio.Track!);
        return true;
    }

    private bool Open(in Frame frame, SegmenterLane lane, DateTimeOffset now)
    {
        // A track of which a whole segment had nothing is one no more: players wait for what is announced.
        var (video, audio) = (_video.Seen > 0 ? _video.Track : null, _audio.Seen > 0 ? _audio.Track : null);
        var isOther = !ReferenceEquals(video, _video.Carried) || !ReferenceEquals(audio, _audio.Carried);
        if (isOther && !_isFirst)
        {
            _isBroken = true;
            Warnings |= SegmenterWarnings.TracksChanged;
        }
        (_video.Carried, _audio.Carried, _video.Seen, _audio.Seen) = (video, audio, 0, 0);
        lane.Seen = 1;
        if (video is not null && audio is not null && Math.Abs(_audio.Last - lane.Last) > SegmenterLane.Jump)
            _audio.LoseTime();

        _start = _end = lane.Last;
        if (!_hasAnchor)
            (_anchor, _anchorDate, _hasAnchor) = (_start, now > _endDate ? now : _endDate, true);
        var date = options.Clock?.DateOf(_start) ?? _anchorDate + TimeSpan.FromSeconds((double)(_start - _anchor) / Timestamp.PerSecond);
        _cell = options.Clock?.CellOf(_start) ?? 0;
        _opening = new SegmentOpening(_start, Limit, video, audio, date, _isBroken);
        _isIndependent = video is null || (lane == _video && frame.IsKey);
        _isBroken = false;
        _isOpen = true;
        _videoFrames = 0;
        _waitingSince = long.MaxValue;
        writer.Begin(_opening);
        return true;
    }

    /// <param name="isBroken">What follows does not go on from here.</param>
    private void Close(long end, bool isBroken)
    {
        // Audio may be ahead of the picture that ends it, and what would have followed the last frame never came.
        var duration = Math.Min(end - _start, Limit);
        if (!writer.IsSeen && (IsOverfull || duration <= 0 || (isBroken && duration < Shortest)))
        {
            Discard();
            return;
        }
        if (!writer.Complete())
        {
            Discard();
            _isBroken |= TargetDuration > 0;
            return;
        }
        (_isOpen, _isFirst) = (false, false);
        if (TargetDuration == 0)
        {
            var found = Math.Clamp((int)Math.Ceiling(((double)duration / Timestamp.PerSecond) - 0.05), _wantedTarget, Math.Max(LongestTarget, _wantedTarget));
            TargetDuration = options.Clock?.AgreeTargetDuration(found) ?? found;
        }
        IsIndependent &= _isIndependent;
        _endDate = _opening.ProgramDateTime + TimeSpan.FromSeconds((double)duration / Timestamp.PerSecond);
        Finished++;
        writer.End(new SegmentEnding(_opening, duration, Limit, _video.Carried, _audio.Carried, _videoFrames, _isIndependent, isBroken));
    }

    /// <summary>What was written of it nobody has seen; that it followed on a break stays true of the next.</summary>
    private void Discard()
    {
        writer.Abandon();
        _isBroken |= _opening.IsDiscontinuity;
        _isOpen = false;
        _hasAnchor = false;
    }
}
