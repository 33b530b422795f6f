using XLive.Media;
using XLive.Media.Fmp4;
using XLive.Media.Hls;
using XLive.Server.Live;

namespace XLive.Server.Playback.Hls;

/// <summary>Fragmented MP4: picture and sound each by itself, and where that is wanted in parts that can be fetched before their segment is whole.</summary>
internal sealed class CmafPackager : IPackager
{
    private readonly CmafSegments _segments;
    private readonly Segmenter _segmenter;
    private readonly CmafPresentation _presentation;

    public CmafPackager(LiveOptions options, EventClock clock, long most, string baseUri)
    {
        var presentation = _presentation = new CmafPresentation(new CmafPresentationOptions { Window = options.Window, MostBytes = most, BaseUri = baseUri, IsLowLatency = options.LowLatency, Clock = clock });
        _segments = new CmafSegments(new CmafOptions { PartSeconds = options.PartMs / 1000.0, MostBytes = (int)Math.Min(most, 1 << 30), Clock = clock }, presentation.Add, presentation.Add);
        _segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = clock.SegmentSeconds, Clock = clock }, _segments);
    }

    /// <summary>Null until there is a segment.</summary>
    public PresentationView? Current => _presentation.Current;

    /// <summary>Requests for what is not there yet.</summary>
    public BlockedRequests Blocked { get; } = new();

    public bool HasSegments => Current is not null;
    public long FinishedSegments => _segmenter.Finished;
    public int TargetDuration => _segmenter.TargetDuration;
    public long Bytes => _presentation.Bytes + _segmenter.OpenBytes;
    public bool IsOverfull => _segmenter.IsOverfull || _presentation.IsOverfull;
    public DateTimeOffset GoesAt => _presentation.GoesAt;

    /// <summary>MP4 has a place for it that players know.</summary>
    public bool Carries(Track track) => _segments.Carries(track);

    public void Take(in Frame frame, DateTimeOffset now)
    {
        _segmenter.Write(frame, now);
        Publish(now);
    }

    public void Break(DateTimeOffset now)
    {
        _segmenter.Break();
        Publish(now);
    }

    public void End(DateTimeOffset now)
    {
        Break(now);
        _presentation.End(now);
        Blocked.Wake(Current);
    }

    public void Expire(DateTimeOffset now)
    {
        _presentation.Expire(now);
        if (Current is { } view)
            Blocked.Expire(now - TimeSpan.FromSeconds(3 * view.TargetDuration));
    }

    public HlsFigures? Figures()
    {
        if (Current is not { } view)
            return null;
        var listed = new List<double>();
        foreach (var entry in view.Entries)
        {
            if (entry.Number >= view.FirstListed)
                listed.Add((double)entry.Duration / Timestamp.PerSecond);
        }
        return new HlsFigures(listed, _presentation.Removed, Bytes, view.FirstListed, view.TargetDuration, _segmenter.GopLength, _segmenter.Refused, _segmenter.Warnings)
        {
            PartTarget = view.PartTarget,
            Blocked = Blocked.Count,
        };
    }

    public void Dispose()
    {
        _segmenter.Dispose();
        _segments.Dispose();
        _presentation.Dispose();
    }

    private void Publish(DateTimeOffset now)
    {
        if (_presentation.Publish(_segmenter.TargetDuration, _segments.PartTargetSeconds, _segmenter.IsIndependent, now))
            Blocked.Wake(Current);
    }
}
