namespace XLive.Media.Hls;

/// <summary>What has one media sequence number: a segment, or those of all renditions.</summary>
public abstract class WindowEntry(long number)
{
    /// <summary>Its media sequence number, and its name.</summary>
    public long Number { get; } = number;

    /// <summary>In ticks; of several renditions, of the longest.</summary>
    public abstract long Duration { get; }

    /// <summary>Of the shortest: each playlist must be long enough.</summary>
    public virtual long Least => Duration;

    public abstract bool IsDiscontinuity { get; }

    /// <summary>Bytes that a viewer of all of it is sent.</summary>
    public abstract long Length { get; }

    /// <summary>Bytes of the machine's memory.</summary>
    public abstract long Taken { get; }

    public abstract Track? VideoTrack { get; }
    public abstract Track? AudioTrack { get; }
    public abstract int VideoFrames { get; }

    /// <summary>So long it can be fetched after it was removed (RFC 8216 6.2.2); before, nobody knows when that will be.</summary>
    public TimeSpan Lingers => TimeSpan.FromSeconds((double)(Duration + LongestPlaylist) / Timestamp.PerSecond);

    /// <summary>Not before; MaxValue while it is listed.</summary>
    public DateTimeOffset GoesAt { get; internal set; } = DateTimeOffset.MaxValue;

    /// <summary>In ticks: the longest playlist that listed it.</summary>
    internal long LongestPlaylist { get; set; }

    /// <summary>For how long a cache may keep it (bis 6.2.2: no longer than it can be fetched here).</summary>
    public TimeSpan MaxAge(DateTimeOffset now) => GoesAt == DateTimeOffset.MaxValue ? Lingers : GoesAt > now ? GoesAt - now : TimeSpan.Zero;

    internal abstract void Release();
}
