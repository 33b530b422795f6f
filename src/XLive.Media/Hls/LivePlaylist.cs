using System.Globalization;
using System.Text;

namespace XLive.Media.Hls;

/// <summary>
/// The segments of a live stream that can be fetched, and the playlists that name them. One writer; readers take <see cref="Current"/>, which is replaced as
/// a whole. Sequence numbers rise for as long as this object lives, over any number of publishes.
/// </summary>
public sealed class LivePlaylist(LivePlaylistOptions options) : IDisposable
{
    private readonly SegmentWindow<LiveSegment> _window = new(options.Window, options.MostBytes);
    private readonly VariantMeasure _measure = new();
    private long _version;
    private int _targetDuration;
    private bool _isIndependent = true;
    private LivePlaylistView? _current;

    /// <summary>Null until there is a segment.</summary>
    public LivePlaylistView? Current => Volatile.Read(ref _current);

    /// <summary>What the segments take of the machine's memory; without those that somebody still reads after they went.</summary>
    public long Bytes => _window.Bytes;

    public int Listed => _window.Listed.Count;
    public int Removed => _window.Removed;

    /// <summary>Of what is listed, less than that many bytes cannot be.</summary>
    public bool IsOverfull => _window.IsOverfull;

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
        _window.Add(new LiveSegment(segment, _window.Next), targetDuration, now);
        _measure.Add(_window.Listed, targetDuration);
        Render(hasEnded: false);
    }

    /// <summary>No more will come. All that is listed stays for as long as it plays (bis 6.2.1).</summary>
    public void End(DateTimeOffset now)
    {
        if (_current is null or { HasEnded: true })
            return;
        GoesAt = now + TimeSpan.FromSeconds((double)_window.Duration / Timestamp.PerSecond);
        Render(hasEnded: true);
    }

    /// <summary>Lets go of what need not be fetchable any more. For a stream that gets no segments, from a timer.</summary>
    public void Expire(DateTimeOffset now)
    {
        if (_current is null || !_window.Collect(now))
            return;
        Publish(_current.Media, _current.Multivariant, _current.HasEnded);
    }

    public void Dispose()
    {
        Volatile.Write(ref _current, null);
        _window.Clear();
    }

    private void Render(bool hasEnded)
    {
        _version++;
        Publish(new PlaylistForms(Media(hasEnded)), new PlaylistForms(Multivariant()), hasEnded);
    }

    private void Publish(PlaylistForms media, PlaylistForms multivariant, bool hasEnded) =>
        Volatile.Write(ref _current, new LivePlaylistView(_window.ToArray(), _window.Listed[0].Number, media, multivariant, _targetDuration, hasEnded, _version));

    private byte[] Media(bool hasEnded)
    {
        var text = new StringBuilder(1024);
        text.Append("#EXTM3U\n#EXT-X-VERSION:3\n");
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-TARGETDURATION:{_targetDuration}\n");
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-MEDIA-SEQUENCE:{_window.Listed[0].Number}\n");
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-DISCONTINUITY-SEQUENCE:{_window.Discontinuities}\n");
        if (_isIndependent)
            text.Append("#EXT-X-INDEPENDENT-SEGMENTS\n");
        foreach (var listed in _window.Listed)
        {
            var segment = listed.Segment;
            if (segment.IsDiscontinuity)
                text.Append("#EXT-X-DISCONTINUITY\n");
            PlaylistLines.ProgramDateTime(text, segment.ProgramDateTime);
            text.Append(CultureInfo.InvariantCulture, $"#EXTINF:{segment.Seconds:F6},\n{LiveSegment.NameOf(listed.Number)}\n");
        }
        if (hasEnded)
            text.Append(PlaylistLines.EndList);
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private byte[] Multivariant()
    {
        var text = new StringBuilder(256);
        text.Append("#EXTM3U\n#EXT-X-VERSION:3\n");
        if (_isIndependent)
            text.Append("#EXT-X-INDEPENDENT-SEGMENTS\n");
        _measure.WriteStreamInf(text);
        text.Append('\n').Append(options.MediaUri).Append('\n');
        return Encoding.ASCII.GetBytes(text.ToString());
    }
}
