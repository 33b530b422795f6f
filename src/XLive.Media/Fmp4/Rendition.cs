using System.Buffers;
using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

/// <summary>
/// One track's samples: staged until they make a part, then written to the segment's buffer as moof and mdat, for sizes stand before what they count.
///
///     staged = [first .. count) of the samples, and their payloads; the segment = its parts, one after the other
///
/// Before the part target is known all of a segment is staged. Allocates by the part and the segment, not by the frame.
/// </summary>
#pragma warning disable CA1001 // what it holds it gives away, or Abandon frees it
internal abstract partial class Rendition(CmafSegments writer, Action<CmafPart> partReady, Action<CmafSegment> segmentReady)
#pragma warning restore CA1001
{
    protected const long None = long.MinValue;

    private readonly List<CmafPart> _untold = [];
    private SegmentBuffer? _buffer;
    private CmafSegment? _segment;
    private SegmentOpening _opening;
    private long _begin;
    private uint _sequence;
    private bool _isLost;

    /// <summary>Null: the stream has no such track.</summary>
    public Initialization? Initialization { get; private set; }

    /// <summary>Parts of the open segment were given out.</summary>
    public bool IsSeen { get; private set; }

    public bool IsEmpty => !_isLost && _segment is null && _first == _count;

    public bool IsLost => _isLost;

    /// <summary>What is staged twice, for when it is written it stands in both places; what was written counts there, and here once, until its place is another's.</summary>
    public long Cost => (_buffer?.Length ?? 0L) + (2L * ((_staged?.Length ?? 0) + ((long)_count * Sample.Cost))) - _firstByte - ((long)_first * Sample.Cost);

    protected CmafSegments Writer => writer;

    /// <summary>Up to here the lengths of segments and parts add up; what is cut next begins here, a hole before its first sample being part of it.</summary>
    protected long Covered { get; set; } = None;

    protected abstract TrackKind Kind { get; }

    /// <summary>In the track's time scale.</summary>
    protected long PartTarget { get; private set; }

    public void Begin(Initialization? initialization, in SegmentOpening opening)
    {
        if (opening.IsDiscontinuity || !ReferenceEquals(initialization, Initialization))
            Restart();
        Initialization = initialization;
        _opening = opening;
        (_isLost, IsSeen) = (false, false);
        SetTarget();
        Opened(opening);
        CutDue();
    }

    public void SetTarget() => PartTarget = Initialization is null ? 0 : Scale(writer.PartTarget);

    /// <summary>What was cut while parts were held back.</summary>
    public void Tell()
    {
        // Without a target there are no parts, and the segment comes as a whole.
        foreach (var part in _untold)
        {
            if (PartTarget == 0)
                break;
            IsSeen = true;
            partReady(part);
        }
        _untold.Clear();
    }

    /// <param name="end">In ticks, where the segment ends.</param>
    public void End(in SegmentEnding ending, long end)
    {
        if (Initialization is null)
            return;
        SetTarget();
        if (!_isLost)
            Flush(ending, end);
        Tell();
        // Nothing came for it, or more than it may hold; either way its time goes by.
        var segment = _segment ?? Open(Scale(writer.Place(_opening.Start)), _opening.ProgramDateTime);
        _buffer?.Seal();
        segment.Buffer = _buffer;
        if (_buffer is null)
            Covered = Math.Clamp(Scale(writer.Place(end)), _begin + 1, _begin + Scale(ending.Longest));
        segment.Finish(Covered - _begin);
        (_buffer, _segment) = (null, null);
        if (!HasStaged && _most > MostKept)
            Unstage();
        _most = _staged?.Length ?? 0;
        segmentReady(segment);
    }

    public void Abandon()
    {
        Restart();
        _untold.Clear();
        _segment = null;
        _buffer?.Release();
        _buffer = null;
    }

    protected virtual void Opened(in SegmentOpening opening)
    {
    }

    /// <summary>Time begins anew, and what belonged to before is gone.</summary>
    protected virtual void Restart()
    {
        Covered = None;
        Unstage();
    }

    /// <summary>All that was staged, or as much of it as belongs before the end.</summary>
    protected abstract void Flush(in SegmentEnding ending, long end);

    /// <summary>Cuts the parts that are whole by what is staged.</summary>
    protected abstract void CutDue();

    /// <summary>Of ticks. In two steps: a product of years has no place in 64 bits.</summary>
    protected long Scale(long ticks)
    {
        var (seconds, rest) = Math.DivRem(ticks, Timestamp.PerSecond);
        return (seconds * Initialization!.TimeScale) + (rest * Initialization.TimeScale / Timestamp.PerSecond);
    }

    /// <summary>Where the lengths of what begins with this sample are counted from.</summary>
    protected long BeginOf(in Sample first) => Covered == None ? first.Decoded : Math.Min(Covered, first.Decoded);

    /// <summary>So many of the staged samples are the next part.</summary>
    /// <param name="until">It lasts at least until then.</param>
    protected void Cut(int count, long until = None)
    {
        if (count <= 0 || _isLost)
            return;
        var samples = _samples.AsSpan(_first, count);
        var (isVideo, isIndependent, payload, chunks) = (Kind == TrackKind.Video, Kind == TrackKind.Audio, 0, 1);
        for (var i = 0; i < samples.Length; i++)
        {
            payload += samples[i].Size;
            isIndependent |= samples[i].IsKey;
            if (i > 0 && !IsOneRun(isVideo, samples[i - 1], samples[i]))
                chunks++;
        }
        _segment ??= Open(samples[0].Decoded, DateOf(samples[0]));
        var isBeginning = _segment.Parts == 0;
        if (isBeginning)
            _segment.IsIndependent = samples[0].IsKey;
        var head = isBeginning ? MovieFragment.SegmentHead(samples[0].IsKey) : 0;
        var length = head + payload + (MovieFragment.Length(isVideo, 0) * chunks) + (samples.Length * (isVideo ? 16 : 4));
        if (!TryBuffer(length))
        {
            Lose();
            return;
        }
        var output = (IBufferWriter<byte>)_buffer!;
        var offset = _buffer!.Length;
        if (head > 0)
        {
            MovieFragment.WriteSegmentHead(output.GetSpan(head)[..head], samples[0].IsKey);
            output.Advance(head);
        }
        for (var begin = 0; begin < samples.Length;)
        {
            var end = begin + 1;
            while (end < samples.Length && IsOneRun(isVideo, samples[end - 1], samples[end]))
                end++;
            WriteChunk(output, isVideo, samples[begin..end]);
            begin = end;
        }
        _segment.Samples += samples.Length;
        var begun = BeginOf(samples[0]);
        Covered = Math.Max(samples[^1].End, until);
        var part = new CmafPart
        {
            Segment = _segment,
            Number = _segment.Parts++,
            Offset = offset,
            Length = length,
            Duration = Covered - begun,
            IsIndependent = isIndependent,
        };
        _first += count;
        if (_first == _count)
            Compact();
        _untold.Add(part);
        if (writer.MayTell)
            Tell();
    }

    /// <summary>One time follows on the other; and of audio the durations are told once for a run.</summary>
    private static bool IsOneRun(bool isVideo, in Sample before, in Sample sample) =>
        sample.Decoded == before.End && (isVideo || sample.Duration == before.Duration);

    private void WriteChunk(IBufferWriter<byte> output, bool isVideo, ReadOnlySpan<Sample> samples)
    {
        var payload = 0;
        foreach (ref readonly var sample in samples)
            payload += sample.Size;
        var head = MovieFragment.Length(isVideo, samples.Length);
        var span = output.GetSpan(head + payload)[..(head + payload)];
        MovieFragment.Write(span[..head], isVideo, ++_sequence, samples, payload);
        _staged!.Written.Slice(_firstByte, payload).CopyTo(span[head..]);
        output.Advance(head + payload);
        _firstByte += payload;
    }

    private CmafSegment Open(long start, DateTimeOffset date)
    {
        _begin = Covered == None ? start : Math.Min(Covered, start);
        return new CmafSegment
        {
            Kind = Kind,
            Initialization = Initialization!,
            IsDiscontinuity = _opening.IsDiscontinuity,
            ProgramDateTime = date,
            Start = start,
            Buffer = _buffer,
        };
    }

    private DateTimeOffset DateOf(in Sample sample)
    {
        var after = sample.Decoded + sample.CompositionOffset - Scale(writer.Place(_opening.Start));
        return _opening.ProgramDateTime + TimeSpan.FromSeconds((double)after / Initialization!.TimeScale);
    }

    private bool TryBuffer(int length)
    {
        if (_buffer is null)
        {
            try
            {
                _buffer = new SegmentBuffer(writer.Options.MostBytes);
            }
            catch (InsufficientMemoryException)
            {
                return false;
            }
            _segment!.Buffer = _buffer;
        }
        return _buffer.Length + length <= writer.Options.MostBytes;
    }

    /// <summary>The rest of the segment is not taken; what was given out of it stays true.</summary>
    private void Lose()
    {
        _isLost = true;
        writer.CountLost();
        _untold.Clear();
        _buffer?.Release();
        _buffer = null;
        if (_segment is not null)
            _segment.Buffer = null;
        Unstage();
    }
}
