using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>What asking an origin came to: an object for all, a reply for one, or why there is neither.</summary>
internal readonly record struct Fetched(StoredObject? Object, OriginReply? Reply, StoredHead? Head, OriginFault? Fault, string CacheStatus)
{
    /// <summary>The object's blocks are held for whoever asked, and nobody else may have it.</summary>
    public bool IsPinned { get; init; }

    /// <summary>But those who waited for it.</summary>
    public bool IsForWaiters { get; init; }

    public static Fetched Kept(StoredObject kept, string cacheStatus) => new(kept, null, null, null, cacheStatus);

    public static Fetched ForOne(OriginReply reply, StoredHead head) => new(null, reply, head, null, "XLive; fwd=miss");

    public static Fetched Failed(OriginFault fault) => new(null, null, null, fault, "XLive; fwd=miss");

    /// <summary>Gives back what nobody will send.</summary>
    public ValueTask DisposeAsync()
    {
        if (IsPinned)
            Object!.Unpin();
        return Reply?.DisposeAsync() ?? default;
    }
}
