using Microsoft.AspNetCore.Http;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>What is kept under one key: one object, or one for each kind of request that the origin tells apart (RFC 9111 section 4.1).</summary>
internal sealed class Shelf
{
    // A header of a viewer's own choosing must not fill the cache.
    private const int MostVariants = 16;

    private StoredObject[] _objects = [];

    /// <summary>Monotonic milliseconds until which the origin's answers are known to be for nobody else; 0: not known.</summary>
    public long PassUntil;

    public IEnumerable<StoredObject> All => Volatile.Read(ref _objects).Where(static each => !each.IsGone);

    /// <summary>The newest that answers the request.</summary>
    public StoredObject? Find(IHeaderDictionary request)
    {
        foreach (var each in Volatile.Read(ref _objects))
        {
            if (!each.IsGone && each.Answers(request))
                return each;
        }
        return null;
    }

    /// <summary>First, and in the place of those that the same request would have found.</summary>
    public void Put(StoredObject newer, IHeaderDictionary request)
    {
        while (true)
        {
            var seen = Volatile.Read(ref _objects);
            var kept = new List<StoredObject>(seen.Length + 1) { newer };
            foreach (var each in seen)
            {
                if (!each.IsGone && !each.Answers(request) && kept.Count < MostVariants)
                    kept.Add(each);
            }
            if (Interlocked.CompareExchange(ref _objects, kept.ToArray(), seen) == seen)
                return;
        }
    }

    /// <returns>How many there were.</returns>
    public int Clear()
    {
        var gone = Interlocked.Exchange(ref _objects, []);
        var purged = 0;
        foreach (var each in gone)
        {
            // One that was left already, for another version or a part that is lost, is not told of again.
            purged += each.IsGone ? 0 : 1;
            each.Leave();
        }
        return purged;
    }

    public void Remove(StoredObject gone)
    {
        gone.Leave();
        while (true)
        {
            var seen = Volatile.Read(ref _objects);
            var kept = Array.FindAll(seen, each => each != gone);
            if (kept.Length == seen.Length || Interlocked.CompareExchange(ref _objects, kept, seen) == seen)
                return;
        }
    }
}
