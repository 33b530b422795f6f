using Microsoft.AspNetCore.Http;
using XLive.Server.Sessions;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>All shelves, by key, and what an operator takes from them.</summary>
internal sealed class Shelves(int generation, DiskCache? disk)
{
    private readonly RecentTable<Shelf> _table = new(generation);
    private readonly Lock _purging = new();
    private int _purges;

    public int Count => _table.Count;
    public int Capacity => _table.Capacity;

    /// <summary>How often was purged: what was asked for before a purge is not kept after it.</summary>
    public int Purges => Volatile.Read(ref _purges);

    public StoredObject? Find(ReadOnlySpan<char> key, IHeaderDictionary request) => _table.Find(key)?.Find(request);

    public Shelf Of(string key)
    {
        if (_table.Find(key) is { } shelf)
            return shelf;
        shelf = new Shelf();
        _table.Put(key, shelf);
        return shelf;
    }

    /// <summary>False: it was purged since it was asked for.</summary>
    public bool TryPut(Shelf shelf, StoredObject kept, Wanted wanted)
    {
        shelf.Put(kept, wanted.Request);
        // The table may have let the shelf go meanwhile.
        _table.Put(wanted.Key, shelf);
        if (wanted.Purges == Purges)
            return true;
        shelf.Remove(kept);
        return false;
    }

    /// <summary>What is kept now of all that it covers; what comes meanwhile may be missed.</summary>
    public List<StoredObject> Within(CacheScope scope, int most)
    {
        var found = new HashSet<StoredObject>();
        _table.Visit((key, shelf) =>
        {
            if (found.Count < most && scope.Covers(key))
                found.UnionWith(shelf.All);
        });
        return [.. found.Take(most)];
    }

    /// <returns>How many objects there were.</returns>
    public int Purge(CacheScope scope)
    {
        var gone = 0;
        // On disk first: who asks under the new count must not find there what it covers, and what is found under the old one is not kept.
        lock (_purging)
        {
            disk?.Purge(scope, _purges + 1);
            Interlocked.Increment(ref _purges);
        }
        _table.Visit((key, shelf) =>
        {
            if (scope.Covers(key))
                gone += shelf.Clear();
        });
        return gone;
    }
}
