using XLive.Server.Door;
using XLive.Server.Settings;

namespace XLive.Server.Live;

/// <summary>
/// Whether the process has room for another stream. A stream costs as much as hundreds of viewers, so publishers are refused first: where memory is
/// short at 80 % of the limit (viewers at 85), where connections or descriptors are, and when frames and segments take half of all memory there is.
/// </summary>
public sealed class LiveRoom(LiveStreams streams, Overload overload, ConnectionCount connections, Descriptors descriptors, SpareDescriptors spare, ServerSettings settings)
{
    private long _refused;

    /// <summary>For frames and segments of all streams: half of what the control group, or the machine, has. The other half is for who watches.</summary>
    public long MostBytes { get; internal set; } = Most(overload);

    /// <summary>Publishers who were refused for it.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>Null: there is. Else what there is too little of.</summary>
    public string? WhyFull()
    {
        if (overload.Load != Load.Normal || overload.Memory.Share >= Overload.NormalBelow || overload.Heap.Share >= Overload.NormalBelow)
            return "memory is short";
        if (streams.AllBytes >= MostBytes)
            return "live streams take all the memory that is theirs";
        if (spare.Exhausted)
            return "there are no descriptors left";
        var most = descriptors.ConnectionsFor(settings.Of<DoorOptions>());
        return connections.Open > most - most / 10 ? "nearly all connections are taken" : null;
    }

    internal void CountRefused() => Interlocked.Increment(ref _refused);

    private static long Most(Overload overload) => (overload.Memory.Limit > 0 ? overload.Memory.Limit : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes) / 2;
}
