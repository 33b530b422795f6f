namespace XLive.Media;

/// <summary>A time of a stream in the 90 kHz of MPEG-TS, unwrapped: the milliseconds of RTMP and FLV are whole in it, and it lasts three million years.</summary>
public readonly record struct Timestamp(long Ticks) : IComparable<Timestamp>
{
    public const int PerSecond = 90_000;
    public const int PerMillisecond = 90;

    public static Timestamp FromMilliseconds(long milliseconds) => new(milliseconds * PerMillisecond);

    /// <summary>Rounded down, below zero too.</summary>
    public long Milliseconds => Ticks >= 0 ? Ticks / PerMillisecond : (Ticks - PerMillisecond + 1) / PerMillisecond;

    public double Seconds => (double)Ticks / PerSecond;

    public int CompareTo(Timestamp other) => Ticks.CompareTo(other.Ticks);

    public static Timestamp operator +(Timestamp a, long ticks) => new(a.Ticks + ticks);
    public static Timestamp operator -(Timestamp a, long ticks) => new(a.Ticks - ticks);
    public static long operator -(Timestamp a, Timestamp b) => a.Ticks - b.Ticks;
    public static bool operator <(Timestamp a, Timestamp b) => a.Ticks < b.Ticks;
    public static bool operator >(Timestamp a, Timestamp b) => a.Ticks > b.Ticks;
    public static bool operator <=(Timestamp a, Timestamp b) => a.Ticks <= b.Ticks;
    public static bool operator >=(Timestamp a, Timestamp b) => a.Ticks >= b.Ticks;
}
