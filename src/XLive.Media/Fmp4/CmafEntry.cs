using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

/// <summary>The segments of one media sequence number, of all renditions.</summary>
public sealed class CmafEntry(long number) : WindowEntry(number)
{
    private long _duration;
    private long _least;

    public RenditionSegment? Video { get; private set; }
    public RenditionSegment? Audio { get; private set; }

    public override long Duration => _duration;
    public override long Least => _least;
    public override bool IsDiscontinuity => Video is { Segment.IsDiscontinuity: true } || Audio is { Segment.IsDiscontinuity: true };
    public override long Length => (Video?.Length ?? 0) + (Audio?.Length ?? 0);
    public override long Taken => (Video?.Taken ?? 0) + (Audio?.Taken ?? 0);
    public override Track? VideoTrack => Video?.Segment.Initialization.Track;
    public override Track? AudioTrack => Audio?.Segment.Initialization.Track;
    public override int VideoFrames => Video?.Segment.Samples ?? 0;

    public RenditionSegment? Of(TrackKind kind) => kind == TrackKind.Video ? Video : Audio;

    /// <summary>All renditions' segments come at once, so one that is whole says that all are.</summary>
    internal bool IsWhole => Video is { Segment.IsWhole: true } || Audio is { Segment.IsWhole: true };

    internal RenditionSegment Begin(CmafSegment segment, int mapNumber)
    {
        var begun = new RenditionSegment(segment, mapNumber);
        if (segment.Kind == TrackKind.Video)
            Video = begun;
        else
            Audio = begun;
        return begun;
    }

    internal void Finish()
    {
        var (video, audio) = (Video?.Segment.Seconds, Audio?.Segment.Seconds);
        _duration = (long)Math.Ceiling(Math.Max(video ?? 0, audio ?? 0) * Timestamp.PerSecond);
        _least = (long)(Math.Min(video ?? audio ?? 0, audio ?? video ?? 0) * Timestamp.PerSecond);
    }

    internal override void Release()
    {
        Video?.Segment.Buffer?.Release();
        Audio?.Segment.Buffer?.Release();
    }
}

/// <summary>One rendition's segment, and its parts as they come. One writer; readers see as many parts as what they were given says.</summary>
public sealed class RenditionSegment
{
    private CmafPart[] _parts = new CmafPart[8];

    internal RenditionSegment(CmafSegment segment, int mapNumber) => (Segment, MapNumber) = (segment, mapNumber);

    public CmafSegment Segment { get; }

    /// <summary>The number in the name of its EXT-X-MAP.</summary>
    public int MapNumber { get; }

    internal int Count { get; private set; }
    internal long Length => Segment.Buffer?.Length ?? 0;
    internal long Taken => Segment.Buffer?.Taken ?? 0;

    internal void Add(CmafPart part)
    {
        if (Count == _parts.Length)
        {
            var more = new CmafPart[Count * 2];
            _parts.CopyTo(more, 0);
            Volatile.Write(ref _parts, more);
        }
        _parts[Count++] = part;
    }

    /// <param name="count">Of those that were there when the view was made.</param>
    internal ReadOnlySpan<CmafPart> Parts(int count) => Volatile.Read(ref _parts).AsSpan(0, count);
}
