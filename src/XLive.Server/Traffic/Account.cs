using System.Net;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Traffic;

/// <summary>
/// What one user is charged, by all his sessions, from his first byte until he has been away for a while and the ledger has everything. Then
/// the account is closed for good and its slot serves another; who still holds it asks for the next one (<see cref="UserMeters.Of"/>).
///
/// Adding waits for nothing: an addition announces itself, adds and leaves. Closing succeeds only while nobody is inside, and from then
/// on nobody gets in. A lock in place of this would be held, now and then, by a thread that has lost its processor.
/// </summary>
public sealed class Account
{
    private const int Closed = int.MinValue;

    private readonly Slot _slot;
    private readonly TrafficClock _clock;
    private int _inside;
    private int _stoppedFor;
    private long _lastSteady;
    private long _sinceSteady;

    // Two sets change places at each cut, so that who stays costs the collector nothing.
    private readonly Lock _noting = new();
    private Origins _origins = new();
    private Origins? _spare;
    private long _window = NextWindow();
    private static long s_windows;

    internal Account(string uid, Slot slot, TrafficClock clock)
    {
        Uid = uid;
        _slot = slot;
        _clock = clock;
        _lastSteady = clock.Steady;
    }

    public string Uid { get; }

    /// <summary>What the transfers of all his sessions take from together; null: nothing holds them.</summary>
    public Pace? Pace { get; set; }

    /// <summary>Why nothing is sent to him, for as long as it holds: his quota is used up, or he is blocked.</summary>
    public StopReason StoppedFor
    {
        get => (StopReason)Volatile.Read(ref _stoppedFor);
        set => Volatile.Write(ref _stoppedFor, (int)value);
    }

    // The quota watch's own: in which period he was seen, and what he had taken before it.
    internal long QuotaPeriod = -1;
    internal long QuotaBase;

    public bool IsStopped => Volatile.Read(ref _stoppedFor) != 0;

    public long Bytes => Counts.Bytes;
    public long Requests => Counts.Requests;

    internal Slot Slot => _slot;

    /// <summary>All that was ever added to this slot. A closed account's slot may be another's already.</summary>
    internal Counts Counts => Volatile.Read(ref _inside) < 0 ? Taken : _slot.Read();

    /// <summary>What of it the ledger has. The ledger's own.</summary>
    internal Counts Taken;

    /// <summary>What the ledger keeps of this user; null until it has looked. The ledger's own.</summary>
    internal Standing? Standing;

    internal Counts Untaken => Counts - Taken;

    /// <summary>In <see cref="TrafficClock.Steady"/> time.</summary>
    internal long LastSteady => Volatile.Read(ref _lastSteady);

    /// <summary>When the first byte came that no cut has taken; 0: there is none.</summary>
    internal long SinceSteady => Volatile.Read(ref _sinceSteady);

    /// <summary>Since the last cut; no two of any account have the same.</summary>
    internal long Window => Volatile.Read(ref _window);

    /// <summary>False when the account is closed: nothing was added.</summary>
    internal bool TryAdd(int count, long value)
    {
        if (Interlocked.Increment(ref _inside) < 0)
        {
            Interlocked.Decrement(ref _inside);
            return false;
        }
        Interlocked.Add(ref _slot[count], value);
        var unix = _clock.Unix;
        // Written when it changes, once a second: the line is other processors' too.
        if (_slot.Last != unix)
        {
            _slot.Last = unix;
            Volatile.Write(ref _lastSteady, _clock.Steady);
        }
        if (_slot.Since == 0)
        {
            _slot.Since = unix;
            Volatile.Write(ref _sinceSteady, _clock.Steady);
        }
        Interlocked.Decrement(ref _inside);
        return true;
    }

    /// <summary>Its user plays, by bytes that are counted elsewhere. False when the account is closed.</summary>
    internal bool TryStay()
    {
        var steady = _clock.Steady;
        if (LastSteady == steady && Volatile.Read(ref _inside) >= 0)
            return true;
        if (Interlocked.Increment(ref _inside) < 0)
        {
            Interlocked.Decrement(ref _inside);
            return false;
        }
        Volatile.Write(ref _lastSteady, steady);
        Interlocked.Decrement(ref _inside);
        return true;
    }

    internal bool TryClose() => Interlocked.CompareExchange(ref _inside, Closed, 0) == 0;

    internal void Reopen() => Interlocked.Add(ref _inside, Closed);

    /// <summary>The ledger has everything up to here; what comes now is of the next window.</summary>
    internal void BeginWindow()
    {
        _slot.Since = 0;
        Volatile.Write(ref _sinceSteady, 0);
    }

    /// <summary>The window in which this is noted; who keeps it calls again when the account has another.</summary>
    internal long Note(IPAddress from, string sid)
    {
        lock (_noting)
        {
            _origins.Note(from, sid);
            return _window;
        }
    }

    /// <summary>The cut's own from here on, until it gives them back.</summary>
    internal Origins TakeOrigins()
    {
        lock (_noting)
        {
            var taken = _origins;
            _origins = _spare ?? new Origins();
            _spare = null;
            _window = NextWindow();
            return taken;
        }
    }

    /// <param name="again">The cut came to nothing: they are of this window too.</param>
    internal void GiveBack(Origins taken, bool again)
    {
        lock (_noting)
        {
            if (again)
                _origins.Note(taken);
            taken.Clear();
            _spare = taken;
        }
    }

    private static long NextWindow() => Interlocked.Increment(ref s_windows);
}
