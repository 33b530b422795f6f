using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

/// <summary>
/// Its time is the number of its samples: RTMP's is rounded to milliseconds, which would be a gap or an overlap with every frame. Where the two come
/// apart there is a hole, and time goes on behind it; where frames come faster than they last, one is left out now and then. A hole belongs to the part
/// that ends it, for the one before it is given out; where none ends it, to the segment in which it began.
/// </summary>
internal sealed class AudioRendition(CmafSegments writer, Action<CmafPart> partReady, Action<CmafSegment> segmentReady) : Rendition(writer, partReady, segmentReady)
{
    // Frames ahead of the publisher's time: 93 ms of AAC at 44.1 kHz, and sound is heard to be late from 125 (ITU-R BT.1359).
    private const long MostAhead = 4;

    private long _next = None;
    private long _start = None;
    private long _longest;
    private int _duration;
    private bool _isBehind;

    /// <summary>How long the last frame was; 0: there is none.</summary>
    public double FrameTicks => Initialization is null ? 0 : (double)_duration * Timestamp.PerSecond / Initialization.TimeScale;

    protected override TrackKind Kind => TrackKind.Audio;

    public void Write(in Frame frame)
    {
        var duration = Initialization!.DurationOf(frame.Payload.Span);
        if (duration == 0)
        {
            Writer.CountRefused();
            return;
        }
        _duration = duration;
        var time = Scale(Writer.Place(frame.Decoded.Ticks));
        if (_next == None || time - _next > duration / 2)
            _next = time;
        if (_next - time > MostAhead * duration)
        {
            Writer.CountRefused();
            return;
        }
        // What was taken for the end of all sound was only late: some send a second of the one and then of the other.
        if (Covered != None && _next + duration <= Covered)
            _isBehind = true;
        var decoded = _next;
        _next += duration;
        if (PartTarget > 0 && HasStaged && decoded + duration - At(0).Decoded > PartTarget)
            CutWithin(StagedCount);
        var output = Room(frame.Payload.Length);
        if (output.IsEmpty)
            return;
        frame.Payload.Span.CopyTo(output);
        Stage(new Sample { Decoded = decoded, Duration = duration, Size = frame.Payload.Length, IsKey = true });
        if (PartTarget > 0 && _next + duration - At(0).Decoded > PartTarget)
            CutWithin(StagedCount);
    }

    protected override void CutDue()
    {
        if (PartTarget == 0)
            return;
        for (var index = 0; index < StagedCount; index++)
        {
            if (index > 0 && At(index).End - At(0).Decoded > PartTarget && CutWithin(index))
                index = 0;
        }
    }

    protected override void Flush(in SegmentEnding ending, long end)
    {
        Writer.FindTarget();
        _longest = Scale(ending.Longest);
        end = Scale(Writer.Place(end));
        CutUntil(end, ending.IsBroken);
        if (_start != None && !HasStaged && IsSilence(Covered, end))
            Covered = Math.Min(end, _start + _longest);
    }

    /// <summary>So much later than the picture sound is not sent, unless it is always.</summary>
    private bool IsSilence(long from, long end) => !_isBehind && end - from > Initialization!.TimeScale;

    /// <summary>What is of a later time than the picture with which the next segment begins is left for that.</summary>
    private void CutUntil(long end, bool isBroken)
    {
        var part = 0;
        for (; part < StagedCount; part++)
        {
            if (!isBroken && At(part).Decoded >= end)
                break;
            if (part > 0 && PartTarget > 0 && At(part).End - At(0).Decoded > PartTarget)
            {
                if (!CutWithin(part))
                    return;
                part = 0;
            }
        }
        CutWithin(part, part > 0 && part == StagedCount && IsSilence(At(part - 1).End, end) ? end : None);
    }

    /// <summary>No audio segment is longer than one of video may be; what would be beyond waits for the next.</summary>
    private bool CutWithin(int count, long until = None)
    {
        if (count == 0)
            return false;
        if (_start == None)
            _start = BeginOf(At(0));
        if (At(count - 1).End - _start > _longest)
            return false;
        Cut(count, Math.Min(until, _start + _longest));
        return !IsLost;
    }

    protected override void Opened(in SegmentOpening opening)
    {
        _start = None;
        if (Initialization is not null)
            _longest = Scale(opening.Longest);
    }

    protected override void Restart()
    {
        base.Restart();
        (_next, _isBehind) = (None, false);
    }
}
