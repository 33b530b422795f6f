
namespace XLive.Server.Playback.Vod.Cache;

internal sealed partial class OriginCache
{
    /// <summary>What lies on disk for this request, in memory from now on; and the answer, unless the origin must be asked about it.</summary>
    private async ValueTask<(StoredObject? Known, Fetched? Answer)> AskDiskAsync(DiskCache disk, Wanted wanted, Shelf shelf)
    {
        if (await disk.FindAsync(wanted) is not { } found)
            return default;
        if (!_shelves.TryPut(shelf, found, wanted))
            return default;
        if (found.Head.IsFresh(Now))
        {
            Figures.Hit();
            return (found, Fetched.Kept(found, "XLive; hit; detail=disk"));
        }
        if (!found.Head.MayServeWhileRevalidating(Now))
            return (found, null);
        Figures.ServedStale();
        _ = RefreshAfterThisAsync(wanted, found);
        return (found, Fetched.Kept(found, "XLive; hit; fwd=stale; detail=disk"));
    }

    // While those who wait for this have no answer yet there is a question of that name.
    private async Task RefreshAfterThisAsync(Wanted wanted, StoredObject known)
    {
        if (_asking.TryGetValue(wanted.Key, out var asking))
            await asking.Task;
        Refresh(wanted, known);
    }
}
