namespace XLive.Media.Flv;

public enum TimelineStep : byte
{
    Regular,

    /// <summary>It ran back a little, and was held where it was.</summary>
    Held,

    /// <summary>The source's clock jumped. The time goes on; what was before does not belong to what comes.</summary>
    Discontinuity,
}

/// <summary>
/// The milliseconds of a publisher, 32 bits that wrap after 49.7 days, made one time that never falls within a track. Encoders whose clock wraps at 24 bits (4 h 39 min 37 s)
/// are unwrapped too. Both tracks tell the same clock; where it jumps one of them says so first, and the other follows to the same place, so that they stay
/// together. Where only one jumps, each goes on by itself.
/// </summary>
public sealed class Timeline(Timestamp begin)
{
    /// <summary>Further ahead is another clock, not a gap: a pause of 10 s was no stream.</summary>
    private const long Jump = 10_000;

    /// <summary>Further back likewise. Less is an encoder that takes its times from two clocks (DJI).</summary>
    private const long Back = 1_000;

    private const long Wrap24 = 1 << 24;

    private readonly Clock _video = new();
    private readonly Clock _audio = new();
    private bool _hasBegun;

    private sealed class Clock
    {
        public bool HasBegun;
        public uint Last; // as it came
        public long Source; // unwrapped
        public long Offset; // to be added, milliseconds
        public int Epoch; // jumps so far
        public long Time = long.MinValue; // given out, milliseconds after the beginning
        public long Step = 40; // the last regular one
    }

    /// <summary>How many jumps there were.</summary>
    public int Epoch => Math.Max(_video.Epoch, _audio.Epoch);

    /// <summary>Ticks to add to the time of the last frame for what the source called it, unwrapped: what it sends elsewhere has the same there.</summary>
    public long ToSource { get; private set; }

    /// <param name="timestamp">As the message or the tag has it.</param>
    public TimelineStep Next(TrackKind kind, uint timestamp, out Timestamp time)
    {
        var (clock, other) = kind == TrackKind.Video ? (_video, _audio) : (_audio, _video);
        var step = clock.HasBegun ? Follow(clock, other, timestamp) : Begin(clock, other, timestamp);
        clock.Last = timestamp;

        long given = clock.Source + clock.Offset;
        if (given < clock.Time)
        {
            given = clock.Time;
            if (step == TimelineStep.Regular)
                step = TimelineStep.Held;
        }
        clock.Time = given;
        time = begin + (given * Timestamp.PerMillisecond);
        ToSource = -begin.Ticks - (clock.Offset * Timestamp.PerMillisecond);
        return step;
    }

    private TimelineStep Begin(Clock clock, Clock other, uint timestamp)
    {
        clock.HasBegun = true;
        if (!_hasBegun)
        {
            _hasBegun = true;
            clock.Source = timestamp;
            clock.Offset = -clock.Source;
            return TimelineStep.Regular;
        }
        // The second track, by the clock that the first one has told; or, far from it, beside what is shown now.
        clock.Source = other.Source + (int)(timestamp - other.Last);
        (clock.Offset, clock.Epoch) = (other.Offset, other.Epoch);
        if (Math.Abs(clock.Source - other.Source) > Jump)
            clock.Offset = other.Time - clock.Source;
        return TimelineStep.Regular;
    }

    private static TimelineStep Follow(Clock clock, Clock other, uint timestamp)
    {
        long delta = (int)(timestamp - clock.Last);
        if (clock.Last < Wrap24 && delta + Wrap24 is > -Back and < Jump)
            delta += Wrap24;
        clock.Source += delta;

        bool regular = delta is >= 0 and <= Back;
        if (regular && delta > 0)
            clock.Step = delta;
        // The other's clock has jumped, and here it may be the same jump, seen from a little before or behind it.
        if (!regular && other.Epoch > clock.Epoch && Adopt(clock, other, timestamp))
            return TimelineStep.Regular;
        if (delta is >= -Back and <= Jump)
            return TimelineStep.Regular;

        clock.Epoch = Math.Max(clock.Epoch, other.Epoch) + 1;
        // On from what was shown last in either track.
        clock.Offset = Math.Max(clock.Time + clock.Step, other.Time) - clock.Source;
        return TimelineStep.Discontinuity;
    }

    private static bool Adopt(Clock clock, Clock other, uint timestamp)
    {
        // Each unwraps for itself: what is compared is what came.
        long apart = (int)(timestamp - other.Last);
        long source = other.Source + apart;
        if (Math.Abs(apart) > Jump || source + other.Offset < clock.Time - Back)
            return false;
        (clock.Source, clock.Offset, clock.Epoch) = (source, other.Offset, other.Epoch);
        return true;
    }
}
