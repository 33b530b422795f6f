using System.Buffers.Binary;
using XLive.Media.Codecs;
using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

/// <summary>
/// H.264, HEVC, AV1. A sample's duration is the difference to the next one's time, so it is known when that comes; then it is decided whether it still belongs to the
/// part. A source that stands still for longer than a part makes one part that is longer: to say less would be to tear a hole, at which decoders wait for
/// the next key frame.
/// </summary>
internal sealed class VideoRendition(CmafSegments writer, Action<CmafPart> partReady, Action<CmafSegment> segmentReady) : Rendition(writer, partReady, segmentReady)
{
    private const long None = long.MinValue;

    private long _last = None;

    // Of the sample before: what another would take at least is three quarters of it.
    private int _step;

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
        var decoded = Writer.Place(frame.Decoded.Ticks);
        // Each later than the one before, if only by a tick: players take two of one time for a fault.
        if (_last != None)
            decoded = Math.Max(decoded, _last + 1);
        _last = decoded;
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
        _step = Newest.Duration;
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
        (_last, _step) = (None, 0);
    }
}
