using XLive.Server.Telemetry;

namespace XLive.Server.Hooks;

/// <summary>Where events are told. Whoever tells one waits for nothing: it lies in memory until the sender has written it down, a moment later.</summary>
public sealed class HookEvents(Func<HookOptions> options, Func<AddressPrivacy> privacy, TimeProvider clock)
{
    /// <summary>Told while the disk takes none: a few hundred bytes each.</summary>
    public const int MostInMemory = 10_000;

    private readonly Lock _gate = new();
    private readonly Queue<HookEvent> _told = new();
    private readonly long[] _counts = new long[HookKinds.All.Count];
    private long _dropped;

    public TimeProvider Clock => clock;

    /// <summary>There is something to write down. On the thread that told it.</summary>
    internal Action? Told { get; set; }

    public int InMemory
    {
        get { lock (_gate) return _told.Count; }
    }

    /// <summary>Found no room in memory.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    public long Count(HookKind kind) => Volatile.Read(ref _counts[(int)kind]);

    /// <summary>Somebody wants to hear of it.</summary>
    public bool Tells(HookKind kind) => options().Has(kind);

    public string Text(System.Net.IPAddress? address) => address is null ? "" : privacy().Text(address);

    public void Tell(HookKind kind, in HookFacts facts)
    {
        if (!Tells(kind))
            return;
        lock (_gate)
        {
            if (_told.Count >= MostInMemory)
            {
                _dropped++;
                return;
            }
            // Under the lock: the times of a stream's events do not fall.
            _told.Enqueue(HookEvent.Of(kind, facts, clock.GetUtcNow(), isQuestion: false));
            _counts[(int)kind]++;
        }
        Told?.Invoke();
    }

    /// <summary>The oldest, which stay until they are <see cref="Kept"/>.</summary>
    internal List<HookEvent> Oldest(int most)
    {
        lock (_gate)
            return [.. _told.Take(most)];
    }

    internal void Kept(int count)
    {
        lock (_gate)
        {
            while (count-- > 0)
                _told.Dequeue();
        }
    }
}
