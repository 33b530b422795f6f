using XLive.Media.Fmp4;
using XLive.Media.Hls;

namespace XLive.Media.Tests.Fmp4;

/// <summary>A segmenter that writes CMAF, with a checker behind each rendition, and one that writes a transport stream of the same frames.</summary>
internal sealed class CmafRig : IDisposable
{
    private readonly Segmenter _transport;
    private readonly Dictionary<CmafSegment, List<CmafPart>> _parts = [];
    private readonly HashSet<Initialization> _seen = [];
    private double _target;

    public CmafRig(double segmentSeconds = 2, double partSeconds = 0.2, int mostBytes = 64 << 20, bool isRegular = true)
    {
        Video = new CmafChecker { IsRegular = isRegular };
        Audio = new CmafChecker { IsRegular = isRegular };
        Writer = new CmafSegments(new CmafOptions { PartSeconds = partSeconds, MostBytes = mostBytes }, Take, Take);
        Segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = segmentSeconds }, Writer);
        _transport = new Segmenter(new SegmenterOptions { SegmentSeconds = segmentSeconds }, new TransportSegments(Transport.Add));
    }

    public DateTimeOffset Now { get; set; } = new(2026, 11, 22, 2, 0, 0, TimeSpan.Zero);
    public CmafSegments Writer { get; }
    public Segmenter Segmenter { get; }
    public CmafChecker Video { get; }
    public CmafChecker Audio { get; }
    public List<CmafSegment> Segments { get; } = [];
    public List<CmafPart> Parts { get; } = [];
    public List<Segment> Transport { get; } = [];
    public IEnumerable<string> Faults => Video.Faults.Select(f => "video: " + f).Concat(Audio.Faults.Select(f => "audio: " + f));

    /// <summary>What was given out, in the order of that.</summary>
    public List<object> Told { get; } = [];

    public List<CmafSegment> Of(TrackKind kind) => [.. Segments.Where(s => s.Kind == kind)];

    public List<CmafPart> PartsOf(CmafSegment segment) => _parts.GetValueOrDefault(segment, []);

    public CmafRig Write(IEnumerable<Frame> frames)
    {
        foreach (var frame in frames)
        {
            Segmenter.Write(frame, Now);
            _transport.Write(frame, Now);
        }
        return this;
    }

    public CmafRig Break()
    {
        Segmenter.Break();
        _transport.Break();
        return this;
    }

    private void Take(CmafPart part)
    {
        if (Writer.PartTargetSeconds <= 0 || part.Segment.Buffer is null || part.Segment.IsWhole)
            Video.Faults.Add("a part without a target or a buffer, or of a segment that is whole");
        if (!_parts.TryGetValue(part.Segment, out var parts))
            _parts[part.Segment] = parts = [];
        parts.Add(part);
        Parts.Add(part);
        Told.Add(part);
    }

    private void Take(CmafSegment segment)
    {
        if (_target > 0 && _target != Writer.PartTargetSeconds)
            Video.Faults.Add("another PART-TARGET");
        _target = Writer.PartTargetSeconds;
        var checker = segment.Kind == TrackKind.Video ? Video : Audio;
        if (_seen.Add(segment.Initialization))
            checker.Initialization(segment.Initialization);
        if (Math.Round(segment.Seconds, MidpointRounding.AwayFromZero) > Segmenter.TargetDuration)
            checker.Faults.Add($"a segment of {segment.Seconds} s, a target duration of {Segmenter.TargetDuration}");
        checker.Segment(segment, PartsOf(segment), Writer.PartTargetSeconds * segment.Initialization.TimeScale);
        Segments.Add(segment);
        Told.Add(segment);
    }

    public void Dispose()
    {
        Segmenter.Dispose();
        _transport.Dispose();
        foreach (var segment in Segments)
            segment.Buffer?.Release();
        foreach (var segment in Transport)
            segment.Buffer.Release();
    }
}
