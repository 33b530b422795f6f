using System.Collections.Concurrent;
using System.Net;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;

namespace XLive.Server.Sessions;

/// <summary>
/// The sessions of this node, and the grants in their paths. All that a request asks is answered from here; what is kept elsewhere follows
/// (<see cref="SessionKeeper"/>).
/// </summary>
public sealed partial class SessionTable
{
    /// <summary>
    /// A viewer of one title takes 2.6 KiB of the heap with his user, his account and his grant, 0.5 KiB less where four share a user: full,
    /// two thirds of a gibibyte. What comes beyond plays, and is not listed, limited or saved; whoever of it is revoked is cut all the same.
    /// </summary>
    public const int Most = 262_144;

    // The contract's bound of one viewer: the same grant, address prefix and User-Agent within this time.
    private static readonly TimeSpan SameViewer = TimeSpan.FromSeconds(30);

    private readonly SessionGrants _grants;
    private readonly UserMeters _meters;
    private readonly Func<SessionOptions> _options;
    private readonly TimeProvider _clock;
    private readonly Revocations _revocations;
    private readonly ISessionStore? _store;

    private readonly ConcurrentDictionary<SessionId, Session> _sessions = new();
    private readonly ConcurrentDictionary<EntryKey, Session> _entries = new();
    private readonly ConcurrentDictionary<string, UserDevices> _users = new(StringComparer.Ordinal);
    private readonly RecentTable<SessionGrant> _paths = new(65_536);
    private int _count;
    private DeviceLimit? _limit;

    /// <param name="store">Null: this process alone, as long as it lives.</param>
    public SessionTable(
        SessionGrants grants, UserMeters meters, Func<SessionOptions> options, TimeProvider clock, Revocations? revocations = null, ISessionStore? store = null)
    {
        (_grants, _meters, _options, _clock, _store) = (grants, meters, options, clock, store);
        _revocations = revocations ?? new Revocations(clock);
        _revocations.Added = Stop;
        _limit = options().Limit;
    }

    /// <summary>How many are listed at most.</summary>
    internal int Room { get; set; } = Most;

    public int Count => Volatile.Read(ref _count);
    public int PathsKnown => _paths.Count;
    public int UsersCounted => _users.Count;
    public SessionCounts Counts { get; } = new();

    /// <summary>A session plays no more, and why, in a word; by whoever ends it, who must not wait.</summary>
    public Action<Session, string>? Ended { get; set; }

    /// <summary>A user came with one device too many: his uid, its address, and whether it was refused or took another's place. Must not wait.</summary>
    public Action<string, IPAddress, string>? LimitMet { get; set; }

    /// <summary>How much of a viewer's address is kept.</summary>
    internal Func<AddressPrivacy> Privacy { get; init; } = static () => AddressPrivacy.Full;
    public Revocations Revocations => _revocations;

    /// <summary>Every one that is listed, in no order.</summary>
    public IEnumerable<Session> All => _sessions.Select(s => s.Value);

    public Session? Find(SessionId id) => _sessions.GetValueOrDefault(id);

    /// <summary>Whether a viewer who comes by the same link is still this one.</summary>
    public bool IsSame(Session session, long now) => _clock.GetElapsedTime(session.LastSeen, now) < SameViewer && !session.IsReplaced;

    public Session? FindEntry(EntryKey entry, long now) =>
        _entries.TryGetValue(entry, out var session) && IsSame(session, now) ? session : null;

    /// <summary>A session that nobody will see again, for the head of what a viewer would get.</summary>
    public Session Sketch(in Newcomer who) => Make(SessionId.New(), who);

    /// <summary>The session of this viewer, opened now unless another request of his was first, if its user may have one more device.</summary>
    public Opening Open(in Newcomer who)
    {
        while (true)
        {
            var user = UserOf(who.Uid);
            TaskCompletionSource<Session?> asked;
            lock (user.Gate)
            {
                if (user.IsGone)
                    continue;
                if (FindEntry(who.Entry, who.Now) is { } there)
                    return new Opening(there, null);
                if (_store is not { SharesPlaces: true } || _limit is null || Count >= Room)
                    return new Opening(OpenHere(user, SessionId.New(), who), null);
                if (user.Opening.TryGetValue(who.Entry, out var pending))
                    return new Opening(null, pending);
                // Who waits goes on to the disk: not on the thread that reads the store's answers.
                asked = new TaskCompletionSource<Session?>(TaskCreationOptions.RunContinuationsAsynchronously);
                user.Opening[who.Entry] = asked.Task;
            }
            _ = AskAsync(_store, user, who, _limit.Value, asked);
            return new Opening(null, asked.Task);
        }
    }

    private async Task AskAsync(ISessionStore store, UserDevices user, Newcomer who, DeviceLimit limit, TaskCompletionSource<Session?> asked)
    {
        Session? opened = null;
        try
        {
            var id = SessionId.New();
            var before = Before(who.Entry);
            var answer = await store.EnterAsync(Make(id, who).ToRecord(_clock) with { HasPlace = true }, before?.Id, limit);
            lock (user.Gate)
            {
                if (answer == PlaceAnswer.Unanswered)
                    opened = OpenHere(user, id, who);
                else if (answer == PlaceAnswer.Granted)
                {
                    // The nodes together are right; what this one counts beyond will be told to leave.
                    if (before is not null)
                        user.Leave(before);
                    opened = Keep(user, id, who, placed: true);
                }
                else
                    Refuse(who.Uid, who.Address);
            }
        }
        finally
        {
            lock (user.Gate)
                user.Opening.Remove(who.Entry);
            asked.SetResult(opened);
        }
    }

    /// <summary>Under the user's gate. Null: he has as many devices as he may.</summary>
    private Session? OpenHere(UserDevices user, SessionId id, in Newcomer who)
    {
        if (_limit is { } limit && Count < Room)
        {
            var replaced = user.MakeRoom(limit, Before(who.Entry), who.Now);
            if (replaced < 0)
            {
                Refuse(who.Uid, who.Address);
                return null;
            }
            Replaced(replaced, who.Uid, who.Address);
        }
        return Keep(user, id, who, placed: _limit is not null && Count < Room);
    }

    /// <summary>Under the user's gate.</summary>
    private Session Keep(UserDevices user, SessionId id, in Newcomer who, bool placed)
    {
        // Read before anything else: a revocation that comes now is seen at the first look at the session.
        var version = _revocations.Version;
        var session = Make(id, who);
        if (placed)
            user.Place(session);
        if (List(session))
            _entries[who.Entry] = session;
        else
            LeaveToItself(session);
        session.Cleared = version;
        Counts.Opened();
        return session;
    }

    private Session? Before(EntryKey entry) => _entries.GetValueOrDefault(entry);

    private Session Make(SessionId id, in Newcomer who) =>
        new(id, who with { Address = Privacy().Kept(who.Address) }, _meters.Open(who.Uid, id.ToString()), _clock.GetUtcNow().ToUnixTimeSeconds());

    private bool List(Session session)
    {
        if (Count >= Room || !_sessions.TryAdd(session.Id, session))
            return false;
        Interlocked.Increment(ref _count);
        return true;
    }

    private UserDevices UserOf(string uid) => _users.GetOrAdd(uid, static (_, clock) => new UserDevices(clock), _clock);

    /// <summary>The grant of a request's path; null when this service did not make it.</summary>
    public SessionGrant? Find(ReadOnlySpan<char> segment, IPAddress address, ClientKind client, string userAgent, long now)
    {
        if (_paths.Find(segment) is { } known)
            return Current(known);
        if (!_grants.TryRead(segment, out var claim))
            return null;
        // Right by its MAC and unknown here: this process is younger than the session, or another node opened it.
        var session = _sessions.GetValueOrDefault(claim.Id) ?? Make(claim.Id, new Newcomer(claim.Uid, claim.Kid, address, client, userAgent, default, now));
        if (!List(session))
        {
            if (_sessions.GetValueOrDefault(claim.Id) is { } listed)
                session = listed;
            else
                LeaveToItself(session);
        }
        var text = segment.ToString();
        var grant = new SessionGrant(session, claim.Scope, claim.Expires, (long)_options().MaxLifetime.TotalSeconds, claim.Bound, text);
        _paths.Put(text, grant);
        return grant;
    }

    /// <summary>Of one that was found before: whose it is now.</summary>
    public SessionGrant Current(SessionGrant grant)
    {
        // Dropped as idle, it may have come back by another title's path meanwhile: there is one session of an id.
        if (grant.Session.Cleared == Session.NotCleared && _sessions.TryGetValue(grant.Session.Id, out var listed))
            grant.Session = listed;
        return grant;
    }

    public SessionGrant Grant(Session session, string scope, AddressKey? bound)
    {
        var now = _clock.GetUtcNow().ToUnixTimeSeconds();
        return session.GrantFor(scope, bound, (s, covered, address) =>
        {
            var lifetime = (long)_options().MaxLifetime.TotalSeconds;
            var segment = _grants.Make(new SessionClaim(s.Id, s.Uid, s.Kid, covered, now + lifetime, address));
            return new SessionGrant(s, covered, now + lifetime, lifetime, address, segment);
        }, now);
    }

    /// <summary>Why the session may not play now, or null. Of nearly all requests: one comparison.</summary>
    public string? Refusal(Session session, long now) =>
        session.Cleared == _revocations.Version && !session.Meter.IsStopped ? null : Judge(session, now);

    /// <summary>Why a link may open no session, or null; how many devices its user has is asked when it does.</summary>
    public string? Refusal(EntryKey entry, string uid, string kid)
    {
        if (_revocations.Of(entry, uid, kid) is not { } revocation)
            return Withheld(_meters.Of(uid));
        Counts.RefusedRevoked();
        return revocation.Word;
    }

    private static string? Withheld(Account account) => account.StoppedFor switch
    {
        StopReason.None => null,
        StopReason.Blocked => "blocked",
        _ => "quota_exceeded",
    };

    private string? Judge(Session session, long now)
    {
        var version = _revocations.Version;
        if (_revocations.Of(session.Sid, session.Uid, session.Kid) is { } revocation)
        {
            Counts.RefusedRevoked();
            return revocation.Word;
        }
        if (Withheld(session.Meter.Account) is { } withheld)
            return withheld;
        var comesBack = false;
        while (true)
        {
            var user = UserOf(session.Uid);
            lock (user.Gate)
            {
                if (user.IsGone)
                    continue;
                if (_limit is { } limit && !session.HasPlace && Count < Room)
                {
                    var replaced = now < session.BarredUntil ? -1 : user.MakeRoom(limit, null, now);
                    if (replaced < 0)
                    {
                        Refuse(session.Uid, session.Address);
                        return "device_limit";
                    }
                    Replaced(replaced, session.Uid, session.Address);
                    user.Place(session);
                    comesBack = true;
                }
                session.RenewMeter();
                if (List(session))
                {
                    if (session.Entry != default)
                        _entries.TryAdd(session.Entry, session);
                }
                else if (!_sessions.ContainsKey(session.Id))
                    LeaveToItself(session);
                session.Cleared = version;
                break;
            }
        }
        // A segment waits for no store: it plays by what this node knows, and hears it later where others know better.
        if (comesBack && _store is { SharesPlaces: true } store)
            _ = ConfirmAsync(store, session, _limit!.Value);
        return null;
    }

    private async Task ConfirmAsync(ISessionStore store, Session session, DeviceLimit limit)
    {
        if (await store.EnterAsync(session.ToRecord(_clock), null, limit) == PlaceAnswer.Refused)
            Lose(session, (user, now) => user.Refuse(session, now));
    }
}
