namespace XLive.Media.Amf;

/// <summary>What one message may make of itself: a null is one byte on the wire and 24 in memory.</summary>
internal sealed class AmfBudget
{
    /// <summary>Flash's onMetaData has 20 members. 4096 values are 100 KiB.</summary>
    public const int MostValues = 4096;

    public const int MostMembers = 1024;
    public const int Deepest = 16;

    private int _depth;

    public int Values { get; private set; }

    public void Take(int values = 1)
    {
        Values += values;
        if (Values > MostValues)
            throw new AmfException("more values than a message may hold");
    }

    public void Enter()
    {
        if (++_depth > Deepest)
            throw new AmfException("objects nested too deep");
    }

    public void Leave() => _depth--;
}
