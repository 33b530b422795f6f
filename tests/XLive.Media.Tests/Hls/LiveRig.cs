using XLive.Media.Hls;
using XLive.Media.Tests.MpegTs;

namespace XLive.Media.Tests.Hls;

/// <summary>A segmenter and its playlist on a clock that frames move, with checkers behind both that look at every change.</summary>
internal sealed class LiveRig : IDisposable
{
    private readonly TransportChecker _transport = new();
    private Timestamp? _latest;

    public LiveRig(double segmentSeconds = 4, int window = 6, long mostBytes = 1 << 30, int mostSegmentBytes = 64 << 20)
    {
        Segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = segmentSeconds }, new TransportSegments(Finished, mostSegmentBytes));
        Playlist = new LivePlaylist(new LivePlaylistOptions { Window = window, MostBytes = mostBytes, MediaUri = "s/e1/index.m3u8" });
    }

    public DateTimeOffset Now { get; set; } = new(2026, 11, 22, 2, 0, 0, TimeSpan.Zero);
    public Segmenter Segmenter { get; }
    public LivePlaylist Playlist { get; }
    public LivePlaylistChecker Checker { get; } = new();
    public List<Segment> Segments { get; } = [];
    public List<List<TransportChecker.Pes>> Packets { get; } = [];
    public string Durations => string.Join(' ', Segments.Select(s => s.Seconds.ToString("0.###", System.Globalization.CultureInfo.InvariantCulture)));
    public IEnumerable<string> Faults => _transport.Faults.Concat(Checker.Faults);

    /// <summary>Whether a promise of memory or time was broken on purpose is for the test to say.</summary>
    public bool IsEverythingKept { get; init; } = true;

    public LiveRig Write(IEnumerable<Frame> frames)
    {
        foreach (var frame in frames)
        {
            if (_latest is { } latest && frame.Decoded - latest is > 0 and < 900_000)
                Now += TimeSpan.FromTicks((frame.Decoded - latest) * 1000 / 9);
            _latest = frame.Decoded;
            Segmenter.Write(frame, Now);
        }
        return this;
    }

    public LiveRig Break(double awaySeconds = 0)
    {
        Segmenter.Break();
        Now += TimeSpan.FromSeconds(awaySeconds);
        _latest = null;
        return this;
    }

    public bool IsThere(long number)
    {
        if (Playlist.Current?.TryHold(number) is not { } held)
            return false;
        held.Segment.Buffer.Release();
        return true;
    }

    private void Finished(Segment segment)
    {
        Segments.Add(segment);
        var before = _transport.Packets.Count;
        _transport.Read(segment.Buffer.Bytes.Span, segment.IsDiscontinuity);
        Packets.Add(_transport.Packets[before..]);
        Playlist.Add(segment, Segmenter.TargetDuration, Segmenter.IsIndependent, Now);
        Checker.See(Playlist.Current!.Media.Plain.Span, Now);
        if (IsEverythingKept)
            Checker.Fetch(IsThere, Now);
    }

    public void Dispose()
    {
        Segmenter.Dispose();
        Playlist.Dispose();
    }
}
