using System.Buffers.Binary;
using XLive.Media.Codecs;
using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

/// <summary>
/// H.264, HEVC, AV1. A sample's duration is the difference to the next one's time, which is known when that comes. Where the ones before came evenly, the
/// last of a part is taken to last as long, and the part is given out with it and not a picture later; what comes next is decoded where that ended, and
/// shown when it says. A source that stands still for longer than a part makes one part that is longer: to say less would be to tear a hole, at which
/// decoders wait for the next key frame.
/// </summary>
internal sealed class VideoRendition(CmafSegments writer, Action<CmafPart> partReady, Action<CmafSegment> segmentReady) : Rendition(writer, partReady, segmentReady)
{
    private const long None = long.MinValue;

    // RTMP's milliseconds make steps of 33 and 34 of one rate.
    private const int Even = 2 * Timestamp.PerMillisecond;

    private long _last = None;

    // Where what was given out before its time ends.
    private long _owed = None;

    // Between the last two, as the publisher has it: what another would take at least is three quarters of it.
    private long _time = None;
    private int _step;
    private int _stepBefore;

    protected override TrackKind Kind => TrackKind.Video;

    public void Write(in Frame frame)
    {
        var isWhole = frame.Track.Codec == Codec.Av1;
        var size = isWhole ? frame.Payload.Length : SizeOf(frame, out _);
        if (size == 0)
        {
            Writer.CountRefused();
            return;
        }
        var time = Writer.Place(frame.Decoded.Ticks);
        if (_time != None)
            (_stepBefore, _step) = (_step, (int)Math.Clamp(time - _time, 1, int.MaxValue));
        // Each later than the one before, if only by a tick: players take two of one time for a fault.
        var decoded = _owed != None ? _owed : _last != None ? Math.Max(time, _last + 1) : time;
        (_time, _last, _owed) = (time, decoded, None);
        Complete(decoded);
        var output = Room(size);
        if (output.IsEmpty)
            return;
        if (isWhole)
            frame.Payload.Span.CopyTo(output);
        else
            CopyUnits(frame, output);
        var shown = Math.Max(decoded, Writer.Place(frame.Shown.Ticks));
        Stage(new Sample { Decoded = decoded, CompositionOffset = (int)(shown - decoded), Size = size, IsKey = frame.IsKey });
        if (PartTarget > 0 && _stepBefore > 0 && Math.Abs(_step - _stepBefore) <= Even)
            CutFull();
    }

    /// <summary>The part, if it has no room for another like the newest.</summary>
    private void CutFull()
    {
        var before = Newest.Decoded - At(0).Decoded;
        // The shorter of the two, or it might be shown before it is decoded.
        var duration = (int)Math.Min(Math.Min(_step, _stepBefore), PartTarget - before);
        if (duration < _step - Even || before + duration + (_step * 3L / 4) <= PartTarget)
            return;
        Newest.Duration = duration;
        _owed = Newest.End;
        Cut(StagedCount);
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
            Cut(index);
            cut = index;
            index = 0;
        }
        if (!IsLost && end - At(0).Decoded + (At(index).Duration * 3L / 4) > PartTarget)
        {
            Cut(index + 1);
            cut += index + 1;
        }
        return cut;
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
        Writer.FindTarget();
        CutDue();
        Cut(StagedCount);
    }

    protected override void Restart()
    {
        base.Restart();
        (_last, _owed, _time, _step, _stepBefore) = (None, None, None, 0, 0);
    }
}
