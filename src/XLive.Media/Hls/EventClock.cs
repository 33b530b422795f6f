namespace XLive.Media.Hls;

/// <summary>
/// The time that the renditions of an event have in common, so that one moment has in all of them one date, one decode time and one segment. Each that begins
/// a turn is given a base, once for the turn:
///
///     time of the event = time of the source + base        date = epoch + time of the event
///
/// An encoder gives all its outputs the times of one clock, but their connections open one after the other and their networks are not equally long. So the
/// base is another rendition's (or its own of the turn before) where with it what arrives is less than half a second from where the others are; otherwise
/// what arrives is where the others are, for nobody knows better. What was told of a rendition is never told again: a base that would lead back is not taken.
///
/// What is made of another rendition here (live.ladder) has the times that that one has as a stream, however late it comes: its base is that one's. What of it would
/// be told again is left out.
///
/// What all must agree on is fixed here by the first who knows it: the target duration, the part target, and which number a segment has.
/// </summary>
public sealed class EventClock(double segmentSeconds)
{
    /// <summary>From where the others are; further away it is another encoder, that began at zero too.</summary>
    public const long Agrees = Timestamp.PerSecond / 2;

    /// <summary>The first frame of all; one of another rendition may be a little before it, and no time is below zero.</summary>
    public const long Beginning = Timestamp.PerSecond;

    // Milliseconds and late key frames: two seconds are often 1.998.
    private const long Early = Timestamp.PerSecond / 10;

    // RTMP's clock is 32 bits of milliseconds; of two renditions one may have begun before it wrapped.
    private const long Wrap = (1L << 32) * Timestamp.PerMillisecond;

    // Segments whose numbers are known. Who begins does so in one of the last.
    private const int Known = 8;

    private readonly Lock _gate = new();
    private readonly List<EventPlace> _places = [];
    private readonly List<(DateTimeOffset Date, long Number, long Discontinuities)> _begun = [];
    private readonly long _cell = (long)(segmentSeconds * Timestamp.PerSecond);
    private DateTimeOffset _epoch;
    private int _targetDuration;
    private long _partTarget;

    public double SegmentSeconds => segmentSeconds;

    /// <summary>In seconds; 0: no segment of any rendition is whole yet.</summary>
    public int TargetDuration => Volatile.Read(ref _targetDuration);

    /// <summary>Fixed by the first who finds one.</summary>
    public int AgreeTargetDuration(int found)
    {
        var before = Interlocked.CompareExchange(ref _targetDuration, found, 0);
        return before > 0 ? before : found;
    }

    /// <summary>In ticks. Fixed by the first who finds one; 0 is none.</summary>
    public long AgreePartTarget(long found)
    {
        if (found <= 0)
            return found;
        var before = Interlocked.CompareExchange(ref _partTarget, found, 0);
        return before > 0 ? before : found;
    }

    /// <summary>Between two cells of this grid a segment ends, at the first key frame.</summary>
    public long CellOf(long time)
    {
        var (cell, rest) = Math.DivRem(time + Early - Beginning, _cell);
        return rest < 0 ? cell - 1 : cell;
    }

    public DateTimeOffset DateOf(long time) => _epoch + TimeSpan.FromSeconds((double)time / Timestamp.PerSecond);

    /// <param name="name">By which another is found that is made of it.</param>
    public EventPlace Join(string name = "")
    {
        var place = new EventPlace(this, name);
        lock (_gate)
            _places.Add(place);
        return place;
    }

    public void Leave(EventPlace place)
    {
        lock (_gate)
            _places.Remove(place);
    }

    /// <summary>The number and the discontinuities before it of the segment that others have at this date; zeroes where there is none.</summary>
    public (long Number, long Discontinuities) NumberAt(DateTimeOffset date)
    {
        lock (_gate)
        {
            for (var i = _begun.Count - 1; i >= 0; i--)
            {
                if (i == 0 || _begun[i].Date <= date + TimeSpan.FromSeconds((double)Early / Timestamp.PerSecond))
                    return (_begun[i].Number, _begun[i].Discontinuities);
            }
            return default;
        }
    }

    /// <summary>A segment of some rendition begins. One that is behind in its numbers, for it was away, is not who says them.</summary>
    public void Begun(DateTimeOffset date, long number, long discontinuities)
    {
        lock (_gate)
        {
            if (_begun.Count > 0 && (number <= _begun[^1].Number || date <= _begun[^1].Date))
                return;
            if (_begun.Count == Known)
                _begun.RemoveAt(0);
            _begun.Add((date, number, discontinuities));
        }
    }

    /// <returns>The time of what arrives.</returns>
    internal long Place(EventPlace who, long source, string? madeOf, long least, DateTimeOffset now)
    {
        lock (_gate)
        {
            if (_places.Find(p => p.Name == madeOf && p.HasBegun) is { } made)
            {
                var same = source + made.Shift;
                same += Wrap * (long)Math.Round((double)(made.Newest - same) / Wrap);
                who.Began(Math.Max(same, least), made.Base, now);
                return same;
            }
            var (here, newest) = (Beginning, DateTimeOffset.MinValue);
            foreach (var place in _places)
            {
                if (place.HasBegun && place.NewestAt > newest)
                    (here, newest) = (place.Newest + Ticks(now - place.NewestAt), place.NewestAt);
            }
            if (newest == DateTimeOffset.MinValue)
                _epoch = now - TimeSpan.FromSeconds((double)Beginning / Timestamp.PerSecond);
            var (time, away) = (here, Agrees + 1);
            foreach (var place in _places)
            {
                if (!place.HasBegun)
                    continue;
                var candidate = source + place.Base;
                candidate += Wrap * (long)Math.Round((double)(here - candidate) / Wrap);
                if (Math.Abs(candidate - here) < away)
                    (time, away) = (candidate, Math.Abs(candidate - here));
            }
            time = Math.Max(time, least);
            who.Began(time, time - source, now);
            return time;
        }
    }

    internal void Tell(EventPlace who, long time, DateTimeOffset now)
    {
        lock (_gate)
            who.Told(time, now);
    }

    private static long Ticks(TimeSpan span) => (long)(span.TotalSeconds * Timestamp.PerSecond);
}

/// <summary>One rendition's place in the time of its event. Called by its publisher.</summary>
public sealed class EventPlace
{
    // Where it is need not be told more often: what it is compared with is half a second.
    private const long Often = Timestamp.PerSecond / 10;

    private readonly EventClock _clock;
    private long _shift;
    private long _told = long.MinValue; // the latest

    internal EventPlace(EventClock clock, string name) => (_clock, Name) = (clock, name);

    public EventClock Clock => _clock;
    internal string Name { get; }

    /// <summary>From the stream's time to the event's, by whoever is placed by it.</summary>
    internal long Shift => Volatile.Read(ref _shift);

    /// <summary>What comes was told of already, by the one who sent it before.</summary>
    public bool IsBehind { get; private set; }

    // Under the clock's lock.
    internal bool HasBegun { get; private set; }
    public long Base { get; private set; }
    internal long Newest { get; private set; }
    internal DateTimeOffset NewestAt { get; private set; }

    /// <summary>A turn begins with this frame, or its clock jumped.</summary>
    /// <param name="time">Of the stream, which never falls.</param>
    /// <param name="source">The same as the source has it.</param>
    /// <param name="madeOf">The rendition that it was made of, whose stream has the source's times.</param>
    public void Begin(long time, long source, DateTimeOffset now, string? madeOf = null)
    {
        var placed = _clock.Place(this, source, madeOf, HasBegun ? time + _shift : long.MinValue, now);
        Volatile.Write(ref _shift, placed - time);
        IsBehind = madeOf is not null && placed < _told;
    }

    /// <summary>Of the event, what is this of the stream.</summary>
    public long Of(long time, DateTimeOffset now)
    {
        time += _shift;
        if (time < _told)
            return time;
        _told = time;
        IsBehind = false;
        if (time - Newest >= Often)
            _clock.Tell(this, time, now);
        return time;
    }

    internal void Began(long time, long @base, DateTimeOffset now) => (HasBegun, Base, Newest, NewestAt) = (true, @base, time, now);

    internal void Told(long time, DateTimeOffset now) => (Newest, NewestAt) = (time, now);
}
