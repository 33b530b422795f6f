namespace XLive.Media.Hls;

/// <summary>
/// What of a live stream can be fetched, in the order of its media sequence numbers, which rise for as long as this object lives:
///
///     fetchable = removed (the oldest first) + listed, without a gap between their numbers
///
/// A removed segment stays for its own duration and that of the longest playlist that listed it (RFC 8216 6.2.2), for a player that is slow to ask; the
/// playlist itself is never shorter than three target durations. Where memory does not do for both, the removed ones go, then listed ones down to the
/// three, and then <see cref="IsOverfull"/> says that this stream cannot be kept.
/// </summary>
/// <param name="window">Segments that are listed, at least.</param>
internal sealed class SegmentWindow<T>(int window, long mostBytes)
    where T : WindowEntry
{
    private readonly List<T> _removed = [];
    private readonly List<T> _listed = [];
    private int _targetDuration;
    private long _least;

    public IReadOnlyList<T> Listed => _listed;

    public int Removed => _removed.Count;

    /// <summary>Of those that are listed, in ticks.</summary>
    public long Duration { get; private set; }

    /// <summary>The media sequence number of the next.</summary>
    public long Next { get; private set; }

    /// <summary>Discontinuities before the first that is listed.</summary>
    public long Discontinuities { get; private set; }

    /// <summary>What they take of the machine's memory; without those that somebody still reads after they went.</summary>
    public long Bytes { get; private set; }

    /// <summary>Of what is listed, less than that many bytes cannot be.</summary>
    public bool IsOverfull { get; private set; }

    /// <summary>Before the first entry: the numbers that it has.</summary>
    public void BeginAt(long number, long discontinuities) => (Next, Discontinuities) = (number, discontinuities);

    /// <param name="entry">Its number is <see cref="Next"/>. Held by the caller until now, by the window from now on.</param>
    /// <param name="targetDuration">The same each time (bis 4.4.3.1).</param>
    public void Add(T entry, int targetDuration, DateTimeOffset now)
    {
        _targetDuration = targetDuration;
        Next++;
        _listed.Add(entry);
        Duration += entry.Duration;
        _least += entry.Least;
        Bytes += entry.Taken;
        while (_listed.Count > window && IsLongWithoutFirst())
            Remove(now);
        Collect(now);
        while (Bytes > mostBytes && _removed.Count > 0)
            Release();
        while (Bytes > mostBytes && IsLongWithoutFirst())
        {
            Remove(now);
            Release();
        }
        IsOverfull = Bytes > mostBytes;
        foreach (var listed in _listed)
            listed.LongestPlaylist = Math.Max(listed.LongestPlaylist, Duration);
    }

    /// <summary>All that can be fetched.</summary>
    public T[] ToArray() => [.. _removed, .. _listed];

    /// <summary>Lets go of what need not be fetchable any more; whether there was any.</summary>
    public bool Collect(DateTimeOffset now)
    {
        var before = _removed.Count;
        while (_removed.Count > 0 && _removed[0].GoesAt <= now)
            Release();
        return _removed.Count != before;
    }

    public void Clear()
    {
        foreach (var entry in _removed)
            entry.Release();
        foreach (var entry in _listed)
            entry.Release();
        _removed.Clear();
        _listed.Clear();
        (Bytes, Duration, _least) = (0, 0, 0);
    }

    private bool IsLongWithoutFirst() => _listed.Count > 1 && _least - _listed[0].Least >= 3L * _targetDuration * Timestamp.PerSecond;

    private void Remove(DateTimeOffset now)
    {
        var first = _listed[0];
        _listed.RemoveAt(0);
        Duration -= first.Duration;
        _least -= first.Least;
        if (first.IsDiscontinuity)
            Discontinuities++;
        first.GoesAt = now + first.Lingers;
        _removed.Add(first);
    }

    private void Release()
    {
        var entry = _removed[0];
        _removed.RemoveAt(0);
        Bytes -= entry.Taken;
        entry.Release();
    }
}
