using XLive.Media.Fmp4;
using XLive.Media.Hls;

namespace XLive.Media.Tests.Fmp4;

/// <summary>A segmenter and the presentation of what it writes, on a clock that frames move, with checkers that look at every change.</summary>
internal sealed class PresentationRig : IDisposable
{
    private Timestamp? _latest;
    private RenditionPlaylist? _video, _audio;

    public PresentationRig(double segmentSeconds = 2, double partSeconds = 0.2, int window = 6, long mostBytes = 1 << 30, bool isLowLatency = true)
    {
        Presentation = new CmafPresentation(new CmafPresentationOptions { Window = window, MostBytes = mostBytes, BaseUri = "s/e1/", IsLowLatency = isLowLatency });
        Writer = new CmafSegments(new CmafOptions { PartSeconds = partSeconds }, Presentation.Add, Presentation.Add);
        Segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = segmentSeconds }, Writer);
    }

    public DateTimeOffset Now { get; set; } = new(2026, 11, 22, 2, 0, 0, TimeSpan.Zero);
    public CmafPresentation Presentation { get; }
    public CmafSegments Writer { get; }
    public Segmenter Segmenter { get; }
    public RenditionChecker Video { get; } = new(TrackKind.Video);
    public RenditionChecker Audio { get; } = new(TrackKind.Audio);
    public IEnumerable<string> Faults => Video.Faults.Concat(Audio.Faults);
    public PresentationView View => Presentation.Current!;

    /// <summary>The most that a delta update left out.</summary>
    public int MostSkipped { get; private set; }

    /// <summary>Is told each change, when it can be seen.</summary>
    public Action<PresentationView> Changed { get; set; } = static _ => { };

    public PresentationRig Write(IEnumerable<Frame> frames)
    {
        foreach (var frame in frames)
        {
            if (_latest is { } latest && frame.Decoded - latest is > 0 and < 900_000)
                Now += TimeSpan.FromTicks((frame.Decoded - latest) * 1000 / 9);
            _latest = frame.Decoded;
            Segmenter.Write(frame, Now);
            Publish();
        }
        return this;
    }

    public PresentationRig Break(double awaySeconds = 0)
    {
        Segmenter.Break();
        Publish();
        Now += TimeSpan.FromSeconds(awaySeconds);
        _latest = null;
        return this;
    }

    public void End()
    {
        Break();
        Presentation.End(Now);
        Look();
    }

    public static RenditionText Read(RenditionPlaylist playlist, PlaylistScope scope = PlaylistScope.All) => new(playlist.Text(scope).Plain.Span);

    public bool IsThere(TrackKind kind, long number, int part)
    {
        var buffer = part < 0 ? View.TryHoldSegment(kind, number, out _) : View.TryHoldPart(kind, number, part, out _, out _);
        buffer?.Release();
        return buffer is not null;
    }

    private void Publish()
    {
        if (Presentation.Publish(Segmenter.TargetDuration, Writer.PartTargetSeconds, Segmenter.IsIndependent, Now))
            Look();
    }

    private void Look()
    {
        Look(ref _video, View.Video, Video);
        Look(ref _audio, View.Audio, Audio);
        Changed(View);
    }

    private void Look(ref RenditionPlaylist? seen, RenditionPlaylist? playlist, RenditionChecker checker)
    {
        if (playlist is null || ReferenceEquals(seen, playlist) || View.PartTarget == 0)
            return;
        seen = playlist;
        var text = Read(playlist);
        checker.See(text, Now);
        var delta = Read(playlist, PlaylistScope.Skipping);
        checker.SeeDelta(delta, text);
        MostSkipped = Math.Max(MostSkipped, delta.Skipped);
        // Listed is there, to its last byte (L14).
        foreach (var (kind, number, part) in new[] { (playlist.Kind, text.Last, -1), (playlist.Kind, text.Last + 1, text.Tail.Parts.Count - 1) })
        {
            if ((part >= 0 || number == text.Last) && !text.Segments[^1].IsGap && !IsThere(kind, number, part))
                checker.Faults.Add($"L14: {number}.{part} is listed, and cannot be fetched");
        }
    }

    public void Dispose()
    {
        Segmenter.Dispose();
        Presentation.Dispose();
    }
}
