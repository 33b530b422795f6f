using XLive.Fuzz.Engine;
using XLive.Media;
using XLive.Media.Fmp4;
using XLive.Media.Hls;
using XLive.Media.Tests.Fmp4;

namespace XLive.Fuzz.Inputs;

/// <summary>A publisher's frames as CMAF. Its boxes and parts are read by the tests' own checker of the standards, and its memory is held to its bound.</summary>
public sealed class CmafFuzzer : FramesFuzzer, IDisposable
{
    // So little that some segments have no room.
    private const int MostBytes = 24 << 10;

    private readonly List<(CmafSegment Segment, SegmentBuffer Buffer)> _held = [];
    private readonly List<CmafPart> _parts = [];
    private readonly List<CmafSegment> _segments = [];
    private double _partTarget;
    private int _target;
    private int _mostOpen;

    public override string Name => "live-cmaf";

    public override string Target => "`Segmenter`, `CmafSegments`";

    protected override bool Parse(byte[] input)
    {
        Release();
        var writer = new CmafSegments(new CmafOptions { PartSeconds = 0.2, MostBytes = MostBytes }, part =>
        {
            // Held from its first part on, as a server does.
            if (part.Number == 0 && part.Segment.Buffer!.TryHold())
                _held.Add((part.Segment, part.Segment.Buffer));
            _parts.Add(part);
        }, _segments.Add);
        using (var segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = 2 }, writer))
        {
            Frames.Play(input, frame =>
            {
                segmenter.Write(frame, Frames.Now);
                _mostOpen = Math.Max(_mostOpen, segmenter.OpenBytes);
            }, segmenter.Break);
            (_partTarget, _target) = (writer.PartTargetSeconds, segmenter.TargetDuration);
        }
        return _segments.Count > 0;
    }

    protected override void Verify(byte[] input, bool accepted)
    {
        var faults = new List<string>();
        if (_mostOpen > MostBytes)
            faults.Add($"{_mostOpen} bytes of {MostBytes}");
        foreach (var kind in new[] { TrackKind.Video, TrackKind.Audio })
        {
            var checker = new CmafChecker { IsRegular = false };
            Initialization? initialization = null;
            foreach (var segment in _segments.Where(s => s.Kind == kind))
            {
                if (!ReferenceEquals(segment.Initialization, initialization))
                    checker.Initialization(initialization = segment.Initialization);
                var parts = _parts.Where(p => ReferenceEquals(p.Segment, segment)).ToList();
                checker.Segment(segment, parts, _partTarget * segment.Initialization.TimeScale);
                if (Math.Round(segment.Seconds, MidpointRounding.AwayFromZero) > _target)
                    faults.Add($"a segment of {segment.Seconds} s, a target duration of {_target}");
            }
            faults.AddRange(checker.Faults);
        }
        FuzzFailure.Equal("", string.Join('\n', faults.Take(5)), "rules");
        // What was seen of a segment stands as long as somebody holds it, whether the segment could be kept or not.
        foreach (var (segment, buffer) in _held)
        {
            var length = _parts.Where(p => ReferenceEquals(p.Segment, segment)).Max(p => p.Offset + p.Length);
            FuzzFailure.Equal(true, buffer.Length >= length, "parts that are held");
        }
        Release();
    }

    private void Release()
    {
        foreach (var segment in _segments)
            segment.Buffer?.Release();
        foreach (var (_, buffer) in _held)
            buffer.Release();
        _segments.Clear();
        _parts.Clear();
        _held.Clear();
        _mostOpen = 0;
    }

    public void Dispose() => Release();
}
