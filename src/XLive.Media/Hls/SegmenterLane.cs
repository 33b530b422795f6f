namespace XLive.Media.Hls;

/// <summary>What the segmenter knows of one kind of track.</summary>
internal sealed class SegmenterLane
{
    private const long Backward = Timestamp.PerSecond;

    // As SRS and MediaMTX have it: beyond ten seconds it is another time, not a hole.
    public const long Jump = 10 * Timestamp.PerSecond;

    // How long one track's clock may be elsewhere before it is believed to stay there.
    private const long Patience = Timestamp.PerSecond;

    private long _offset;
    private long _lostSince = long.MaxValue;

    /// <summary>The newest.</summary>
    public Track? Track { get; private set; }

    /// <summary>That of the open segment; null: it has none of this kind.</summary>
    public Track? Carried { get; set; }

    public bool IsAnchored { get; private set; }

    /// <summary>The time of its last frame, on the stream's clock.</summary>
    public long Last { get; private set; }

    /// <summary>From the frame before to that.</summary>
    public long Gap { get; private set; }

    /// <summary>Since the open segment began, also those that could not be in it.</summary>
    public int Seen { get; set; }

    public void Take(Track track)
    {
        // Some encoders send the same configuration again and again.
        if (ReferenceEquals(track, Track) || (Track is not null && Track.Codec == track.Codec && Track.CodecName == track.CodecName
            && Track.SampleRate == track.SampleRate && Track.Channels == track.Channels && Track.Configuration.Span.SequenceEqual(track.Configuration.Span)))
        {
            return;
        }
        Track = track;
    }

    public void LoseTime() => IsAnchored = false;

    public void Forget()
    {
        (Track, Carried, Seen, _offset, Gap, _lostSince) = (null, null, 0, 0, 0, long.MaxValue);
        IsAnchored = false;
    }

    /// <summary>The frame's time goes on from the last; one that falls a little is put there.</summary>
    public bool TryFollow(long raw)
    {
        var step = raw + _offset - Last;
        if (!IsAnchored || step is < -Backward or > Jump)
            return IsAnchored = false;
        Gap = Math.Max(step, 0);
        Last += Gap;
        return true;
    }

    /// <summary>Time begins here.</summary>
    public void Anchor(long raw)
    {
        (_offset, _lostSince) = (0, long.MaxValue);
        Last = raw;
        IsAnchored = true;
    }

    /// <summary>
    /// A lane that lost its time, beside another whose clock is given: it is near that, or waits until it is, or stays away so long that it is put at the end
    /// of what was written. Without that a stream whose audio and video clocks came apart would stand still for ever.
    /// </summary>
    public bool TryJoin(long raw, long clock, long end, out bool isMoved)
    {
        isMoved = false;
        if (Math.Abs(raw - clock) <= Jump)
        {
            Anchor(raw);
            return true;
        }
        if (raw < _lostSince || raw - _lostSince > Jump)
            _lostSince = raw;
        if (raw - _lostSince < Patience)
            return false;
        Anchor(end);
        _offset = end - raw;
        return isMoved = true;
    }
}
