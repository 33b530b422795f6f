namespace XLive.Server.Live;

/// <summary>The viewers of one stream on one shard. Used by the shard's thread alone, but for the flag.</summary>
internal sealed class Party(Shard shard)
{
    private readonly List<Watcher> _watchers = [];

    public Shard Shard => shard;

    /// <summary>Used by the shard, under its lock.</summary>
    public bool IsWoken { get; set; }

    public int Count => _watchers.Count;

    public Watcher this[int place] => _watchers[place];

    public void Add(Watcher watcher)
    {
        watcher.Place = _watchers.Count;
        _watchers.Add(watcher);
    }

    /// <summary>The last takes his place.</summary>
    public void Remove(Watcher watcher)
    {
        var last = _watchers[^1];
        _watchers[watcher.Place] = last;
        last.Place = watcher.Place;
        _watchers.RemoveAt(_watchers.Count - 1);
        watcher.Place = -1;
    }
}
