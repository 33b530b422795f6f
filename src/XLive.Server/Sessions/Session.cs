using System.Net;
using XLive.Server.Door;
using XLive.Server.Traffic;

namespace XLive.Server.Sessions;

/// <summary>One viewer: a user on a device. Every request of his, whatever its grant, leads here.</summary>
public sealed class Session
{
    private const int KeptPrefixes = 8;
    private const int LongestUserAgent = 256;

    // What a list shows of a viewer; a longer one is somebody's attempt.
    private const int LongestTarget = 2048;

    // Of one who goes from stream to stream by a wide link.
    private const int MostPlayed = 8;

    // A player fetches a segment every few seconds and nothing in between.
    private static readonly TimeSpan RateWindow = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly List<SessionGrant> _grants = new(1);

    // Every request's.
    private Meter _meter;
    private string _target = "";
    private long _lastSeen;
    private int _cleared = NotCleared;

    private long _bytesSwept;

    // The sweep's alone.
    private long _rateBytes;
    private long _rateSince;

    private long _bytesBefore;
    private long _rate;
    private string? _ticket;
    private string[] _played = [];

    internal const int NotCleared = -1;

    public Session(SessionId id, in Newcomer who, Meter meter, long openedAt)
    {
        Id = id;
        Sid = id.ToString();
        Uid = who.Uid;
        Kid = who.Kid;
        Address = who.Address;
        Client = who.Client;
        UserAgent = who.UserAgent.Length > LongestUserAgent ? who.UserAgent[..LongestUserAgent] : who.UserAgent;
        Entry = who.Entry;
        _meter = meter;
        OpenedAt = openedAt;
        _lastSeen = _rateSince = who.Now;
    }

    public SessionId Id { get; }
    public string Sid { get; }
    public string Uid { get; }

    /// <summary>The key that signed the link it came by.</summary>
    public string Kid { get; }
    public IPAddress Address { get; }
    public ClientKind Client { get; }
    public string UserAgent { get; }

    /// <summary>Default where this node has never seen its entry.</summary>
    public EntryKey Entry { get; }
    public Meter Meter => Volatile.Read(ref _meter);

    /// <summary>Unix seconds.</summary>
    public long OpenedAt { get; }

    /// <summary>Monotonic: its last request, or a byte of its last transfer.</summary>
    public long LastSeen => Volatile.Read(ref _lastSeen);

    public long Bytes => Volatile.Read(ref _bytesBefore) + Meter.Bytes;

    /// <summary>Bytes a second.</summary>
    public long Rate => Volatile.Read(ref _rate);

    /// <summary>The version of the revocations under which it was let in, with a place if places are counted.</summary>
    internal int Cleared
    {
        get => Volatile.Read(ref _cleared);
        set => Volatile.Write(ref _cleared, value);
    }

    // Under the gate of its user's devices.
    internal bool HasPlace { get; set; }
    internal long BarredUntil { get; set; } = long.MinValue;

    /// <summary>Another device took its place: its path bars it for a while, and its link opens a new session.</summary>
    internal bool IsReplaced { get; set; }

    // The keeper's.
    internal long SavedSeen { get; set; } = long.MinValue;
    internal long SavedAt { get; set; } = long.MinValue;

    /// <summary>The path that was asked for last, without its grant.</summary>
    public string Path => RequestTarget.TryParse(Volatile.Read(ref _target), out var target, out _) ? target.Path.ToString() : "";

    /// <summary>The directory of what it plays, as far as one is known.</summary>
    public string Title
    {
        get
        {
            lock (_gate)
                return _grants.Count == 0 ? "" : _grants[^1].Scope;
        }
    }

    public void Touch(long now) => Volatile.Write(ref _lastSeen, now);

    /// <summary>A request of his is over: its bytes are older than this, and no sign of life at the next sweep.</summary>
    public void RequestEnded(long now)
    {
        Volatile.Write(ref _lastSeen, now);
        Volatile.Write(ref _bytesSwept, Bytes);
    }

    /// <param name="target">As it came: kept as it is, for a list is read far less often than films.</param>
    public void Touch(long now, string target)
    {
        Volatile.Write(ref _lastSeen, now);
        if (target.Length <= LongestTarget)
            Volatile.Write(ref _target, target);
    }

    /// <summary>It is known to play this, by the name that hooks have for it.</summary>
    public bool HasPlayed(string stream) => Array.IndexOf(Volatile.Read(ref _played), stream) >= 0;

    /// <summary>False: that is known already.</summary>
    /// <param name="left">One that it counts as having left, because it has come to too many.</param>
    public bool Plays(string stream, out string? left)
    {
        lock (_gate)
        {
            left = null;
            if (HasPlayed(stream))
                return false;
            if (_played.Length == MostPlayed)
                left = _played[0];
            Volatile.Write(ref _played, [.. left is null ? _played : _played[1..], stream]);
            return true;
        }
    }

    /// <summary>What it played; it plays none of it any more.</summary>
    public string[] EndPlays() => Interlocked.Exchange(ref _played, []);

    /// <summary>By which a proxy's log names this session; made when the first proxy asks.</summary>
    public string Ticket(SessionTickets tickets) => _ticket ??= tickets.Make(Id, Uid);

    /// <summary>A proxy in front sent these. They are older than its log, so no sign of life at the next sweep.</summary>
    public void CountElsewhere(long bytes)
    {
        Interlocked.Add(ref _bytesSwept, bytes);
        Interlocked.Add(ref _bytesBefore, bytes);
    }

    /// <summary>The session of a process before this one goes on.</summary>
    internal void Resume(SessionRecord before, long lastSeen)
    {
        _bytesBefore = _bytesSwept = _rateBytes = before.Bytes;
        _target = before.Path.Length == 0 ? "" : Uri.EscapeDataString(before.Path).Replace("%2F", "/", StringComparison.Ordinal);
        _lastSeen = SavedSeen = lastSeen;
    }

    /// <summary>What a stop has ended may begin anew: its revocation is over.</summary>
    internal void RenewMeter()
    {
        lock (_gate)
        {
            var meter = Meter;
            // What holds for the user ends by itself.
            if (meter.StoppedFor is StopReason.None or StopReason.Quota or StopReason.Blocked)
                return;
            Volatile.Write(ref _meter, meter.Renewed());
            Interlocked.Add(ref _bytesBefore, meter.Bytes);
        }
    }

    /// <summary>Sees the bytes of transfers that run long. True when there were some since the last look.</summary>
    internal bool Sweep(long now, TimeProvider clock)
    {
        var bytes = Bytes;
        var moved = bytes != Volatile.Read(ref _bytesSwept);
        Volatile.Write(ref _bytesSwept, bytes);
        if (clock.GetElapsedTime(_rateSince, now) is var window && window >= RateWindow)
        {
            Volatile.Write(ref _rate, Math.Max(0, (long)((bytes - _rateBytes) / window.TotalSeconds)));
            (_rateBytes, _rateSince) = (bytes, now);
        }
        return moved;
    }

    /// <summary>The grant for a title: made once, so that a player which asks for its first URL again gets the same children.</summary>
    public SessionGrant GrantFor(string scope, AddressKey? bound, Func<Session, string, AddressKey?, SessionGrant> make, long now)
    {
        lock (_gate)
        {
            foreach (var kept in _grants)
            {
                // One that is about to end would end in the middle of the film.
                if (kept.Scope == scope && kept.Bound == bound && kept.Expires - now > kept.Lifetime / 2)
                    return kept;
            }
            if (_grants.Count == KeptPrefixes)
                _grants.RemoveAt(0);
            var grant = make(this, scope, bound);
            _grants.Add(grant);
            return grant;
        }
    }

    public SessionRecord ToRecord(TimeProvider clock)
    {
        var silent = clock.GetElapsedTime(LastSeen);
        return new SessionRecord
        {
            Id = Id, Uid = Uid, Kid = Kid, Address = Address, Client = Client, UserAgent = UserAgent, Entry = Entry, OpenedAt = OpenedAt,
            SeenAt = (clock.GetUtcNow() - silent).ToUnixTimeSeconds(), Bytes = Bytes, Rate = silent > RateWindow ? 0 : Rate, Path = Path, Title = Title,
            HasPlace = HasPlace,
        };
    }
}

/// <summary>Who asks for a session.</summary>
/// <param name="Now">Monotonic.</param>
public readonly record struct Newcomer(string Uid, string Kid, IPAddress Address, ClientKind Client, string UserAgent, EntryKey Entry, long Now);
