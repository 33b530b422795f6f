namespace XLive.Server.Playback.Vod.Folder;

/// <summary>A count of those who hold something, the maker first. Once the last has left nobody can join again.</summary>
internal struct Holders()
{
    private int _count = 1;

    public bool TryJoin()
    {
        var count = Volatile.Read(ref _count);
        while (count > 0)
        {
            var seen = Interlocked.CompareExchange(ref _count, count + 1, count);
            if (seen == count)
                return true;
            count = seen;
        }
        return false;
    }

    /// <summary>True for the last.</summary>
    public bool Leave() => Interlocked.Decrement(ref _count) == 0;
}
