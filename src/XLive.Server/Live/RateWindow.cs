namespace XLive.Server.Live;

/// <summary>Sums as they were a few seconds ago, each two seconds one: what was added since, by the time since, is the rate. Under its owner's lock.</summary>
internal sealed class RateWindow(TimeProvider clock)
{
    // Over a GOP or more: a rate of less goes up and down with its keyframes.
    private const int Kept = 6;
    private static readonly TimeSpan Apart = TimeSpan.FromSeconds(2);

    private readonly (long At, long In, long Out, long Pictures)[] _sums = new (long, long, long, long)[Kept];
    private int _count;

    public bool IsDue => _count == 0 || clock.GetElapsedTime(_sums[(_count - 1) % Kept].At) >= Apart;

    public void Add(long @in, long @out, long pictures) => _sums[_count++ % Kept] = (clock.GetTimestamp(), @in, @out, pictures);

    /// <summary>A second, from the oldest sum that is kept to these.</summary>
    public (double In, double Out, double Pictures) Rates(long @in, long @out, long pictures)
    {
        if (_count == 0)
            return default;
        var oldest = _sums[_count <= Kept ? 0 : _count % Kept];
        var seconds = clock.GetElapsedTime(oldest.At).TotalSeconds;
        return seconds < 0.5 ? default : ((@in - oldest.In) / seconds, (@out - oldest.Out) / seconds, (pictures - oldest.Pictures) / seconds);
    }
}
