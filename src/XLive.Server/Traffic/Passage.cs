namespace XLive.Server.Traffic;

/// <summary>
/// One transfer's way through its viewer's pace and through those that he shares with others, one after the other: while it waits for a slow one the others save
/// up, and hold it no longer.
/// </summary>
public struct Passage
{
    private Pace? _pace;
    private double _place;
    private int _behind;
    private long _bytes;

    /// <summary>How many of these bytes may leave now; 0: none before so many milliseconds.</summary>
    /// <param name="shared">May change from call to call: one that was taken away or changed for another holds nobody.</param>
    public long Take(Meter meter, Pace[] shared, long wanted, out int wait)
    {
        if (_bytes == 0)
            _bytes = wanted;
        for (; _behind <= shared.Length; _behind++)
        {
            if (At(_behind, meter, shared) is not { } pace)
                continue;
            if (pace != _pace)
            {
                var given = pace.Reserve(_bytes, out _place);
                PutBack(_behind, meter, shared, _bytes - given);
                (_pace, _bytes) = (pace, given);
            }
            wait = pace.WaitFor(_place);
            if (wait > 0)
                return 0;
        }
        var allowed = Math.Min(wanted, _bytes);
        PutBack(_behind, meter, shared, _bytes - allowed);
        this = default;
        wait = 0;
        return allowed;
    }

    /// <summary>It sends no more: what it waited for is the others'.</summary>
    public void Leave(Meter? meter, Pace[] shared)
    {
        if (_pace is not null && meter is not null)
            PutBack(_behind + 1, meter, shared, _bytes);
        this = default;
    }

    /// <summary>Bytes that were let go and that the kernel did not take.</summary>
    public static void PutBack(Meter meter, Pace[] shared, long bytes) => PutBack(shared.Length + 1, meter, shared, bytes);

    private static void PutBack(int paces, Meter meter, Pace[] shared, long bytes)
    {
        for (var i = 0; bytes > 0 && i < paces; i++)
            At(i, meter, shared)?.PutBack(bytes);
    }

    private static Pace? At(int place, Meter meter, Pace[] shared) =>
        place == 0 ? meter.Pace : place <= shared.Length ? shared[place - 1] : null;
}
