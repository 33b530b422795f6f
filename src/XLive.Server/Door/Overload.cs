using Microsoft.Extensions.Logging;
using XLive.Server.Limits;
using XLive.Server.Sending;
using XLive.Server.Telemetry;

namespace XLive.Server.Door;

public enum Load { Normal, Shedding, Full }

/// <summary>
/// What is done while memory runs short, so that the kernel never has to: at 85 % of the limit no new viewers, smaller caches, and then the
/// slowest viewers cut until there is room; at 92 % no new connections either, and the newest streams end. Back below 80 % all is as before.
/// Envoy's edge example has the same two steps.
///
/// Two limits count, the control group's and the collector's own, which is three quarters of it: a heap that is full throws in whatever
/// asks next.
/// </summary>
public sealed partial class Overload : IDisposable
{
    public const double ShedAt = 0.85, FullAt = 0.92, NormalBelow = 0.80;

    // With what is sent to it; a stopped viewer has been measured at 24 KiB, and one over TLS may hold 96.
    private const long ConnectionCost = 64 * 1024;

    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan BetweenCollections = TimeSpan.FromSeconds(2);

    // Whoever has room now and then is no slow viewer.
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    private readonly WritableWaiter _waiter;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
#pragma warning disable CA2213 // both are the thread's, which ends soon after and not before
    private readonly ManualResetEventSlim _wake = new(false, spinCount: 0);
    private readonly MemoryGroup _group;
#pragma warning restore CA2213
    private SupervisedLoop? _loop;
    private volatile bool _stopping;
    private volatile bool _tight;
    private volatile int _load;
    private long _collectedAt;
    private long _refusedViewers;
    private long _refusedConnections;

    internal Overload(MemoryGroup group, WritableWaiter waiter, TimeProvider clock, ILogger<Overload> log) =>
        (_group, _waiter, _clock, _log) = (group, waiter, clock, log);

    public Load Load => (Load)_load;
    public bool RefusesViewers => _load >= (int)Load.Shedding || _tight;
    public bool RefusesConnections => _load == (int)Load.Full;

    /// <summary>As it was at the last look.</summary>
    public MemoryUse Memory { get; private set; }
    public MemoryUse Heap { get; private set; }

    public long RefusedViewers => Volatile.Read(ref _refusedViewers);
    public long RefusedConnections => Volatile.Read(ref _refusedConnections);
    public long CutViewers { get; private set; }

    /// <summary>Told when shedding begins (true), on the look's thread: caches let go of what they can; and when it is over.</summary>
    public event Action<bool>? Shedding;

    /// <summary>Told at each look that finds it full, on the look's thread: of so many bytes whoever has them must let go.</summary>
    public event Action<long>? Filled;

    /// <summary>For the tests: what every look finds.</summary>
    internal double? Forced { get; set; }

    public void CountRefusedViewer() => Interlocked.Increment(ref _refusedViewers);

    internal void CountRefusedConnections(int count) => Interlocked.Add(ref _refusedConnections, count);

    /// <summary>Connections that memory has room for beside everything else: half of it.</summary>
    public static int ConnectionsFor(long memory) => (int)Math.Clamp(memory / 2 / ConnectionCost, 64, int.MaxValue);

    public void Start(Supervisor supervisor)
    {
        _waiter.CountsQueues = _group.HasLimit;
        _waiter.OnTight = () =>
        {
            // At once: within one look's time a few hundred new viewers can take all that is left.
            _tight = true;
            _wake.Set();
        };
        // Before the first viewer: a crowd that comes with the first second would be given what there is not.
        Read();
        _loop = supervisor.OnThread("memory", 256 * 1024, Run);
    }

    private void Run(SupervisedLoop loop)
    {
        while (!_stopping)
        {
            loop.Rest();
            if (_wake.Wait(Every))
                Thread.Sleep(Shortest);
            _wake.Reset();
            loop.Beat();
            Read();
            Judge(Forced ?? Math.Max(Memory.Share, Heap.Share));
            _tight = false;
        }
        _group.Dispose();
    }

    private void Read()
    {
        _waiter.RecountQueues();
        var queued = _waiter.QueuedPages;
        Memory = _group.Read(queued);
        // What queues may hold beside everything else.
        _waiter.PagesBudget = Memory.Limit == 0 ? long.MaxValue : (long)(Memory.Limit * ShedAt) - Math.Max(0, Memory.Used - queued);
        var heap = GC.GetGCMemoryInfo(GCKind.Any);
        Heap = new MemoryUse(heap.HeapSizeBytes, heap.TotalAvailableMemoryBytes);
    }

    /// <param name="share">Of the limit, the tighter one.</param>
    internal void Judge(double share)
    {
        var was = Load;
        var now = share >= FullAt ? Load.Full
            : share >= ShedAt ? Load.Shedding
            : share >= NormalBelow && (was != Load.Normal || _tight) ? Load.Shedding
            : Load.Normal;
        _load = (int)now;
        if (now != was)
        {
            LogLoad(_log, now, Memory.Used >> 20, Memory.Limit >> 20, Heap.Used >> 20, Heap.Limit >> 20, CutViewers);
            if (was == Load.Normal || now == Load.Normal)
                Shedding?.Invoke(now != Load.Normal);
        }
        if (now == Load.Normal)
            return;
        if (share >= NormalBelow)
            CutViewers += _waiter.CutSlowest((long)((share - NormalBelow) * (Memory.Share >= Heap.Share ? Memory.Limit : Heap.Limit)), now == Load.Full ? default : Slow);
        if (now == Load.Full)
            Filled?.Invoke((long)((share - ShedAt) * (Memory.Share >= Heap.Share ? Memory.Limit : Heap.Limit)));
        // What the caches and the viewers who have gone left behind is known, and given back, only after a collection.
        if (was == Load.Normal || Heap.Share >= NormalBelow && _clock.GetElapsedTime(_collectedAt) > BetweenCollections)
        {
            _collectedAt = _clock.GetTimestamp();
            // Blocking, for what is freed in the background comes too late; on a heap of gigabytes that would be a pause of seconds.
            var small = Heap.Used < 1 << 30;
            GC.Collect(GC.MaxGeneration, was == Load.Normal && small ? GCCollectionMode.Aggressive : GCCollectionMode.Forced, blocking: small, compacting: small);
        }
    }

    [LoggerMessage(LogLevel.Warning,
        "load is {Load} now: {Used} of {Limit} MiB of the group's memory, {Heap} of {HeapLimit} MiB of the heap, {Cut} slow viewers cut so far")]
    private static partial void LogLoad(ILogger log, Load load, long used, long limit, long heap, long heapLimit, long cut);

    public void Dispose()
    {
        _stopping = true;
        _wake.Set();
        _loop?.Dispose();
    }
}
