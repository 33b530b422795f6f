using System.Collections.Concurrent;

namespace XLive.Server.Sessions;

/// <summary>
/// All revocations of the service, in memory on every node: asked on each request, a comparison of two numbers as long as nothing has changed.
/// Deadlines are monotonic, so a wall clock that is set lets nobody in; what is kept and shown is the wall clock's time.
/// </summary>
public sealed class Revocations(TimeProvider clock)
{
    /// <summary>A few hundred bytes each; whoever needs more takes back a key.</summary>
    public const int Most = 100_000;

    private readonly ConcurrentDictionary<RevocationKey, Held> _held = new();
    private readonly ConcurrentDictionary<EntryKey, Held> _entries = new();
    private int _version;

    private sealed record Held(Revocation Revocation, long Deadline);

    /// <summary>Another number after every change: what was judged under an older one is judged anew.</summary>
    public int Version => Volatile.Read(ref _version);

    public int Count => _held.Count;

    public bool IsFull => _held.Count >= Most;

    public IEnumerable<Revocation> All => _held.Where(h => Holds(h.Value)).Select(h => h.Value.Revocation);

    /// <summary>Told of every one that was put, on the thread that put it: running transfers end.</summary>
    public Action<Revocation>? Added { get; set; }

    /// <summary>Whatever else decides who plays has changed.</summary>
    internal void AskAnew() => Interlocked.Increment(ref _version);

    /// <summary>From now on. False when there is no room.</summary>
    public bool Put(Revocation revocation)
    {
        if (_held.TryGetValue(revocation.Name, out var before))
        {
            if (before.Revocation == revocation)
                return true;
            Forget(before);
        }
        else if (IsFull)
            return false;
        var held = new Held(revocation, DeadlineOf(revocation.Until));
        _held[revocation.Name] = held;
        if (revocation.Entry is { } entry)
            _entries[entry] = held;
        Interlocked.Increment(ref _version);
        Added?.Invoke(revocation);
        return true;
    }

    /// <summary>False when there was none.</summary>
    public bool Lift(RevocationKey name)
    {
        if (!_held.TryRemove(name, out var held))
            return false;
        Forget(held);
        Interlocked.Increment(ref _version);
        return true;
    }

    /// <summary>What a store holds, whole: the others are over.</summary>
    public void Replace(IReadOnlyCollection<Revocation> all)
    {
        var names = all.Select(r => r.Name).ToHashSet();
        foreach (var name in _held.Keys.Where(k => !names.Contains(k)))
            Lift(name);
        foreach (var revocation in all)
            Put(revocation);
    }

    public Revocation? Find(RevocationKey name) => _held.TryGetValue(name, out var held) && Holds(held) ? held.Revocation : null;

    /// <summary>What keeps a session from playing, the narrowest first.</summary>
    public Revocation? Of(string sid, string uid, string kid) =>
        _held.IsEmpty ? null : Find(new(RevocationKind.Sid, sid)) ?? OfLink(uid, kid);

    /// <summary>What keeps a link from opening a session.</summary>
    public Revocation? Of(EntryKey entry, string uid, string kid)
    {
        if (_held.IsEmpty)
            return null;
        return _entries.TryGetValue(entry, out var held) && Holds(held) ? held.Revocation : OfLink(uid, kid);
    }

    private Revocation? OfLink(string uid, string kid) => Find(new(RevocationKind.Uid, uid)) ?? Find(new(RevocationKind.Kid, kid));

    /// <summary>Frees those that are over; they have not held since.</summary>
    public IReadOnlyList<RevocationKey> Prune()
    {
        List<RevocationKey>? over = null;
        foreach (var (name, held) in _held)
        {
            if (!Holds(held) && _held.TryRemove(KeyValuePair.Create(name, held)))
            {
                Forget(held);
                (over ??= []).Add(name);
            }
        }
        return over ?? (IReadOnlyList<RevocationKey>)[];
    }

    private bool Holds(Held held) => clock.GetTimestamp() < held.Deadline;

    private void Forget(Held held)
    {
        if (held.Revocation.Entry is { } entry)
            _entries.TryRemove(KeyValuePair.Create(entry, held));
    }

    private long DeadlineOf(long until)
    {
        var seconds = until == Revocation.Ever ? double.PositiveInfinity : until - clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        var ticks = clock.GetTimestamp() + seconds * clock.TimestampFrequency;
        return ticks >= long.MaxValue ? long.MaxValue : (long)ticks;
    }
}
