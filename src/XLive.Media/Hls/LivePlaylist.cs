using System.Globalization;
using System.Text;

namespace XLive.Media.Hls;

/// <summary>
/// The segments of a live stream that can be fetched, and the playlists that name them. One writer; readers take <see cref="Current"/>, which is replaced as
/// a whole. Sequence numbers rise for as long as this object lives, over any number of publishes.
///
///     fetchable = removed (the oldest first) + listed, without a gap between their numbers
///
/// A removed segment stays for its own duration and that of the longest playlist that listed it (RFC 8216 6.2.2), for a player that is slow to ask; the
/// playlist itself is never shorter than three target durations. Where memory does not do for both, the removed ones go, then listed ones down to the
/// three, and then <see cref="IsOverfull"/> says that this stream cannot be kept.
/// </summary>
public sealed class LivePlaylist(LivePlaylistOptions options) : IDisposable
{
    private readonly List<LiveSegment> _removed = [];
    private readonly List<LiveSegment> _listed = [];
    private readonly VariantMeasure _measure = new();
    private long _next;
    private long _discontinuities;
    private long _listedTicks;
    private long _version;
    private int _targetDuration;
    private bool _isIndependent = true;
    private LivePlaylistView? _current;

    /// <summary>Null until there is a segment.</summary>
    public LivePlaylistView? Current => Volatile.Read(ref _current);

    /// <summary>What the segments take of the machine's memory; without those that somebody still reads after they went.</summary>
    public long Bytes { get; private set; }

    public int Listed => _listed.Count;
    public int Removed => _removed.Count;

    /// <summary>Of what is listed, less than that many bytes cannot be.</summary>
    public bool IsOverfull { get; private set; }

    /// <summary>After the end: when nothing need be fetchable any more.</summary>
    public DateTimeOffset GoesAt { get; private set; } = DateTimeOffset.MaxValue;

    public long PeakBandwidth => _measure.Peak;
    public long AverageBandwidth => _measure.Average;
    public double FrameRate => _measure.FrameRate;

    /// <param name="segment">Held by the caller until now, by the playlist from now on.</param>
    /// <param name="targetDuration">The same each time (bis 4.4.3.1).</param>
    /// <param name="isIndependent">Decoding can begin with every segment there ever was.</param>
    public void Add(Segment segment, int targetDuration, bool isIndependent, DateTimeOffset now)
    {
        (_targetDuration, _isIndependent) = (targetDuration, isIndependent);
        _listed.Add(new LiveSegment(segment, _next++));
        _listedTicks += segment.Duration;
        Bytes += segment.Buffer.Taken;
        while (_listed.Count > options.Window && IsLongWithoutFirst())
            Remove(now);
        Collect(now);
        while (Bytes > options.MostBytes && _removed.Count > 0)
            Release();
        while (Bytes > options.MostBytes && IsLongWithoutFirst())
        {
            Remove(now);
            Release();
        }
        IsOverfull = Bytes > options.MostBytes;
        foreach (var listed in _listed)
            listed.LongestPlaylist = Math.Max(listed.LongestPlaylist, _listedTicks);
        _measure.Add(_listed, targetDuration);
        Render(hasEnded: false);
    }

    /// <summary>No more will come. All that is listed stays for as long as it plays (bis 6.2.1).</summary>
    public void End(DateTimeOffset now)
    {
        if (_current is null or { HasEnded: true })
            return;
        GoesAt = now + TimeSpan.FromSeconds((double)_listedTicks / Timestamp.PerSecond);
        Render(hasEnded: true);
    }

    /// <summary>Lets go of what need not be fetchable any more. For a stream that gets no segments, from a timer.</summary>
    public void Expire(DateTimeOffset now)
    {
        if (_current is null || !Collect(now))
            return;
        Publish(_current.Media, _current.Multivariant, _current.HasEnded);
    }

    public void Dispose()
    {
        Volatile.Write(ref _current, null);
        foreach (var segment in _removed.Concat(_listed))
            segment.Segment.Buffer.Release();
        _removed.Clear();
        _listed.Clear();
        Bytes = 0;
    }

    private bool IsLongWithoutFirst() =>
        _listed.Count > 1 && _listedTicks - _listed[0].Segment.Duration >= 3L * _targetDuration * Timestamp.PerSecond;

    private void Remove(DateTimeOffset now)
    {
        var first = _listed[0];
        _listed.RemoveAt(0);
        _listedTicks -= first.Segment.Duration;
        if (first.Segment.IsDiscontinuity)
            _discontinuities++;
        first.GoesAt = now + first.Lingers;
        _removed.Add(first);
    }

    private bool Collect(DateTimeOffset now)
    {
        var before = _removed.Count;
        while (_removed.Count > 0 && _removed[0].GoesAt <= now)
            Release();
        return _removed.Count != before;
    }

    private void Release()
    {
        var buffer = _removed[0].Segment.Buffer;
        _removed.RemoveAt(0);
        Bytes -= buffer.Taken;
        buffer.Release();
    }

    private void Render(bool hasEnded)
    {
        _version++;
        Publish(new PlaylistForms(Media(hasEnded)), new PlaylistForms(Multivariant()), hasEnded);
    }

    private void Publish(PlaylistForms media, PlaylistForms multivariant, bool hasEnded) =>
        Volatile.Write(ref _current, new LivePlaylistView([.. _removed, .. _listed], _listed[0].Number, media, multivariant, _targetDuration, hasEnded, _version));

    private byte[] Media(bool hasEnded)
    {
        var text = new StringBuilder(1024);
        text.Append("#EXTM3U\n#EXT-X-VERSION:3\n");
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-TARGETDURATION:{_targetDuration}\n");
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-MEDIA-SEQUENCE:{_listed[0].Number}\n");
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-DISCONTINUITY-SEQUENCE:{_discontinuities}\n");
        if (_isIndependent)
            text.Append("#EXT-X-INDEPENDENT-SEGMENTS\n");
        foreach (var listed in _listed)
        {
            var segment = listed.Segment;
            if (segment.IsDiscontinuity)
                text.Append("#EXT-X-DISCONTINUITY\n");
            // On each one: put on the first alone, it would be an edit of what was listed before (bis 6.2.1) each time another is the first.
            text.Append(CultureInfo.InvariantCulture, $"#EXT-X-PROGRAM-DATE-TIME:{segment.ProgramDateTime.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fff}Z\n");
            text.Append(CultureInfo.InvariantCulture, $"#EXTINF:{segment.Seconds:F6},\n{LiveSegment.NameOf(listed.Number)}\n");
        }
        if (hasEnded)
            text.Append("#EXT-X-ENDLIST\n");
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private byte[] Multivariant()
    {
        var text = new StringBuilder(256);
        text.Append("#EXTM3U\n#EXT-X-VERSION:3\n");
        if (_isIndependent)
            text.Append("#EXT-X-INDEPENDENT-SEGMENTS\n");
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-STREAM-INF:BANDWIDTH={_measure.Peak},AVERAGE-BANDWIDTH={_measure.Average},CODECS=\"{_measure.Codecs}\"");
        if (_measure.Video is { } video)
        {
            text.Append(CultureInfo.InvariantCulture, $",RESOLUTION={video.Width}x{video.Height}");
            if (_measure.FrameRate > 0)
                text.Append(CultureInfo.InvariantCulture, $",FRAME-RATE={_measure.FrameRate:F3}");
        }
        text.Append('\n').Append(options.MediaUri).Append('\n');
        return Encoding.ASCII.GetBytes(text.ToString());
    }
}
