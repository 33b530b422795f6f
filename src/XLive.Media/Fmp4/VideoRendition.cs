using System.Buffers.Binary;
using XLive.Media.Codecs;
using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

/// <summary>
/// H.264, HEVC, AV1. A sample's duration is the difference to the next one's time, so it is known when that comes; then it is decided whether it still
/// belongs to the part. Where pictures come evenly the last of a part is taken to last as long as the shortest of those before, and the part is given out
/// with it and not a picture later; the next is decoded where that ended, and shown when it says.
///
/// A source that stands still for longer than a part makes one part that is longer: to say less would be to tear a hole, at which decoders wait for the
/// next key frame.
/// </summary>
internal sealed class VideoRendition(CmafSegments writer, Action<CmafPart> partReady, Action<CmafSegment> segmentReady) : Rendition(writer, partReady, segmentReady)
{
    // RTMP's milliseconds make steps of 33 and 34 of one rate.
    private const int Even = 2 * Timestamp.PerMillisecond;

    private long _last = None;

    // Where the last sample of a part that was given out with it ends.
    private long _owed = None;

    // Between the last two, as the publisher has it: what another would take at least is three quarters of it.
    private long _time = None;
    private int _step;

    // The least in the part that is being made, and in the one before.
    private int _least = int.MaxValue;
    private int _leastBefore = int.MaxValue;

    // No segment may be longer, and what follows on a picture that was to last longer than it did is decoded later than it was to be.
    private long _bound;

    protected override TrackKind Kind => TrackKind.Video;

    public void Write(in Frame frame)
    {
        var isWhole = frame.Track.Codec is Codec.Av1 or Codec.Vp9;
        var size = isWhole ? frame.Payload.Length : SizeOf(frame, out _);
        if (size == 0)
        {
            Writer.CountRefused();
            return;
        }
        var time = Writer.Place(frame.Decoded.Ticks);
        if (_time != None)
        {
            _step = (int)Math.Clamp(time - _time, 1, int.MaxValue);
            _least = Math.Min(_least, _step);
        }
        // Each later than the one before, if only by a tick: players take two of one time for a fault.
        var decoded = _owed != None ? _owed : _last != None ? Math.Max(time, _last + 1) : time;
        // Something must be seen while the source stands still, and if it is not the picture before, it is this. Of pictures that are shown in another
        // order than they are decoded in, it might be shown too soon.
        var isLate = time - decoded > Even && frame.CompositionOffset == 0;
        (_time, _last, _owed) = (time, decoded, None);
        Complete(decoded);
        var output = Room(size);
        if (output.IsEmpty)
            return;
        if (isWhole)
            frame.Payload.Span.CopyTo(output);
        else
            CopyUnits(frame, output);
        var shown = isLate ? decoded : Math.Max(decoded, Writer.Place(frame.Shown.Ticks));
        Stage(new Sample { Decoded = decoded, CompositionOffset = (int)(shown - decoded), Size = size, IsKey = frame.IsKey });
        if (PartTarget > 0)
            CutFull();
    }

    /// <summary>The part, if it has no room for another like the newest.</summary>
    private void CutFull()
    {
        var before = Newest.Decoded - At(0).Decoded;
        // Rather too short than too long, or the next would have to be decoded before it is shown.
        var duration = (int)Math.Min(Math.Min(_least, _leastBefore), PartTarget - before);
        if (_step == 0 || duration < _step - Even || before + duration + (_step * 3L / 4) <= PartTarget || Newest.Decoded + duration > _bound)
            return;
        Newest.Duration = duration;
        _owed = Newest.End;
        CutPart(StagedCount);
    }

    /// <summary>What is written of its NAL units, with their lengths.</summary>
    public static int SizeOf(in Frame frame, out bool isBroken)
    {
        var size = 0;
        var units = new NalUnits(frame.Payload.Span);
        while (units.MoveNext())
            size += IsWritten(frame.Track.Codec, units.Current) ? 4 + units.Current.Length : 0;
        isBroken = units.IsBroken;
        return size;
    }

    private static void CopyUnits(in Frame frame, Span<byte> output)
    {
        var units = new NalUnits(frame.Payload.Span);
        while (units.MoveNext())
        {
            if (!IsWritten(frame.Track.Codec, units.Current))
                continue;
            BinaryPrimitives.WriteInt32BigEndian(output, units.Current.Length);
            units.Current.CopyTo(output[4..]);
            output = output[(4 + units.Current.Length)..];
        }
    }

    /// <summary>Parameter sets stand in the initialization alone (14496-15 5.3.2: avc1; 8.4.1: hvc1), and a delimiter says nothing that the box does not.</summary>
    private static bool IsWritten(Codec codec, ReadOnlySpan<byte> unit) => NalUses.Of(codec, unit) is not (NalUse.Delimiter or NalUse.ParameterSet);

    /// <summary>The newest sample ends here.</summary>
    private void Complete(long end)
    {
        if (!HasStaged)
            return;
        Newest.Duration = (int)Math.Clamp(end - Newest.Decoded, 1, int.MaxValue);
        if (PartTarget > 0)
            CutAt(StagedCount - 1);
    }

    /// <summary>Which parts end with this sample or before it; all up to it are complete.</summary>
    /// <returns>How many samples were cut.</returns>
    private int CutAt(int index)
    {
        var (end, cut) = (At(index).End, 0);
        if (index > 0 && end - At(0).Decoded > PartTarget)
        {
            CutPart(index);
            cut = index;
            index = 0;
        }
        if (!IsLost && end - At(0).Decoded + (At(index).Duration * 3L / 4) > PartTarget)
        {
            CutPart(index + 1);
            cut += index + 1;
        }
        return cut;
    }

    private void CutPart(int count)
    {
        (_least, _leastBefore) = (int.MaxValue, _least);
        Cut(count);
    }

    protected override void CutDue()
    {
        if (PartTarget == 0)
            return;
        for (var index = 0; index < StagedCount; index++)
        {
            if (CutAt(index) is > 0 and var cut)
                index -= cut;
        }
    }

    protected override void Flush(in SegmentEnding ending, long end)
    {
        end = Writer.Place(end);
        if (HasStaged)
        {
            // Where something broke nobody knows how long the last was to be shown; as long as the one before.
            if (ending.IsBroken)
                end = Math.Min(end, Newest.Decoded + (_step > 0 ? _step : Timestamp.PerSecond));
            var last = Math.Max(end, Newest.Decoded + 1);
            _last = Math.Max(_last, last - 1);
            Newest.Duration = (int)(last - Newest.Decoded);
        }
        else if (_owed != None && !ending.IsBroken && end - _owed > Even)
        {
            // It stood still behind its last part. The next segment has no room for that: its bound is the target duration.
            Covered = end;
            (_owed, _last) = (None, end - 1);
        }
        Writer.FindTarget();
        CutDue();
        CutPart(StagedCount);
    }

    protected override void Opened(in SegmentOpening opening) => _bound = Writer.Place(opening.Start) + opening.Longest;

    protected override void Restart()
    {
        base.Restart();
        (_last, _owed, _time, _step, _least, _leastBefore) = (None, None, None, 0, int.MaxValue, int.MaxValue);
    }
}
