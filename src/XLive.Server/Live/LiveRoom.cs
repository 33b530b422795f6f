using XLive.Server.Door;
using XLive.Server.Settings;

namespace XLive.Server.Live;

/// <summary>
/// Whether the process has room for another stream. A stream costs as much as hundreds of viewers, so publishers are refused first: where memory is
/// short at 80 % of the limit (viewers at 85), where connections or descriptors are, and when frames and segments take half of all memory there is.
///
/// A stream takes its memory over half a minute, so those that have just begun count with what they will have come to: of fifty that came within a second all were let in,
/// and a control group of 256 MiB was killed twenty seconds later. Should memory run out all the same, streams go before the process does.
/// </summary>
public sealed class LiveRoom
{
    // What the process takes with no stream and a few viewers.
    private const long Process = 96L << 20;

    private readonly LiveStreams _streams;
    private readonly Overload _overload;
    private readonly ConnectionCount _connections;
    private readonly Descriptors _descriptors;
    private readonly SpareDescriptors _spare;
    private readonly ServerSettings _settings;
    private long _refused;
    private long _cut;

    public LiveRoom(LiveStreams streams, Overload overload, ConnectionCount connections, Descriptors descriptors, SpareDescriptors spare, ServerSettings settings)
    {
        (_streams, _overload, _connections, _descriptors, _spare, _settings) = (streams, overload, connections, descriptors, spare, settings);
        MostBytes = Most(overload);
        overload.Shedding += isShort =>
        {
            if (isShort)
                streams.ForgetEnded();
        };
        overload.Filled += MakeRoom;
    }

    /// <summary>For frames and segments of all streams: half of what the control group, or the machine, has beside the process itself. The other half is for who watches.</summary>
    public long MostBytes { get; internal set; }

    /// <summary>Publishers who were refused for it.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>Streams that had to end for it.</summary>
    public long Cut => Volatile.Read(ref _cut);

    /// <summary>Null: there is. Else what there is too little of.</summary>
    public string? WhyFull()
    {
        var memory = _overload.Memory;
        var (all, growth) = (_streams.AllBytes, _streams.GrowthBytes());
        if (_overload.Load != Load.Normal || _overload.Heap.Share >= Overload.NormalBelow || (memory.Limit > 0 && memory.Used + growth >= memory.Limit * Overload.NormalBelow))
            return "memory is short";
        if (all + growth >= MostBytes)
            return "live streams take all the memory that is theirs";
        if (_spare.Exhausted)
            return "there are no descriptors left";
        var most = _descriptors.ConnectionsFor(_settings.Of<DoorOptions>());
        return _connections.Open > most - most / 10 ? "nearly all connections are taken" : null;
    }

    /// <summary>So many bytes have to go. First what waits for publishers who are away, then what came last.</summary>
    internal void MakeRoom(long bytes)
    {
        var all = _streams.All.Where(static s => !s.IsOver).ToArray();
        Array.Sort(all, static (a, b) => Since(b).CompareTo(Since(a)));
        foreach (var stream in all)
        {
            if (bytes <= 0)
                break;
            bytes -= stream.ExpectedBytes(_streams.Options);
            stream.EndForWantOfMemory();
            Interlocked.Increment(ref _cut);
        }
        _streams.ForgetEnded();
    }

    private static DateTimeOffset Since(LiveStream stream) => stream.Publication?.Since ?? DateTimeOffset.MaxValue;

    internal void CountRefused() => Interlocked.Increment(ref _refused);

    private static long Most(Overload overload) =>
        overload.Memory.Limit is var limit and > 0 ? Math.Max(limit - Process, limit / 4) / 2 : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;
}
