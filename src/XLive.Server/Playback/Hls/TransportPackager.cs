using XLive.Media;
using XLive.Media.Hls;
using XLive.Server.Live;

namespace XLive.Server.Playback.Hls;

/// <summary>MPEG-TS: both tracks in one segment, in every player there is.</summary>
internal sealed class TransportPackager : IPackager
{
    public const string MediaName = "index.m3u8";

    private readonly Segmenter _segmenter;
    private readonly LivePlaylist _playlist;
    private DateTimeOffset _now;

    public TransportPackager(LiveOptions options, EventClock clock, long most, string baseUri)
    {
        _segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = clock.SegmentSeconds, Clock = clock }, new TransportSegments(Finished, (int)Math.Min(most, 1 << 30)));
        _playlist = new LivePlaylist(new LivePlaylistOptions { Window = options.Window, MostBytes = most, MediaUri = baseUri + MediaName });
    }

    /// <summary>Null until there is a segment.</summary>
    public LivePlaylistView? Current => _playlist.Current;

    public bool HasSegments => Current is not null;
    public long FinishedSegments => _segmenter.Finished;
    public int TargetDuration => _segmenter.TargetDuration;
    public long Bytes => _playlist.Bytes + _segmenter.OpenBytes;
    public bool IsOverfull => _segmenter.IsOverfull || _playlist.IsOverfull;
    public DateTimeOffset GoesAt => _playlist.GoesAt;

    public void Take(in Frame frame, DateTimeOffset now)
    {
        _now = now;
        _segmenter.Write(frame, now);
    }

    public void Break(DateTimeOffset now)
    {
        _now = now;
        _segmenter.Break();
    }

    public void End(DateTimeOffset now)
    {
        Break(now);
        _playlist.End(now);
    }

    public void Expire(DateTimeOffset now) => _playlist.Expire(now);

    public HlsFigures? Figures()
    {
        if (Current is not { } view)
            return null;
        var listed = new List<double>();
        foreach (var segment in view.Segments)
        {
            if (segment.Number >= view.FirstListed)
                listed.Add(segment.Segment.Seconds);
        }
        return new HlsFigures(listed, _playlist.Removed, Bytes, view.FirstListed, view.TargetDuration, _segmenter.GopLength, _segmenter.Refused, _segmenter.Warnings);
    }

    public void Dispose()
    {
        _segmenter.Dispose();
        _playlist.Dispose();
    }

    private void Finished(Segment segment) => _playlist.Add(segment, _segmenter.TargetDuration, _segmenter.IsIndependent, _now);
}
