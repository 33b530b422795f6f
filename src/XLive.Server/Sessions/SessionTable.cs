using System.Collections.Concurrent;
using System.Net;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;

namespace XLive.Server.Sessions;

/// <summary>The sessions of this node, and the grants in their paths.</summary>
public sealed class SessionTable(SessionGrants grants, UserMeters meters, Func<SessionOptions> options, TimeProvider clock) : IDisposable
{
    // At 1 KiB each a quarter of a gibibyte; what comes beyond plays, and is not listed.
    private const int MaxSessions = 262_144;

    private readonly ConcurrentDictionary<SessionId, Session> _sessions = new();
    private readonly RecentTable<SessionGrant> _paths = new(65_536);
    private SupervisedLoop? _sweep;
    private long _opened;

    public int Count => _sessions.Count;
    public long Opened => Volatile.Read(ref _opened);
    public int PathsKnown => _paths.Count;

    public void Start(Supervisor supervisor) => _sweep = supervisor.Every("sessions", TimeSpan.FromSeconds(15), DropIdle);

    public Session Open(string uid, string kid, IPAddress address, ClientKind client, string userAgent, long now)
    {
        var session = Make(SessionId.New(), uid, kid, address, client, userAgent, now);
        Keep(session);
        Interlocked.Increment(ref _opened);
        return session;
    }

    /// <summary>A session that nobody will see again, for the head of what a viewer would get.</summary>
    public Session Sketch(string uid, string kid, IPAddress address, ClientKind client, string userAgent, long now) =>
        Make(SessionId.New(), uid, kid, address, client, userAgent, now);

    private Session Make(SessionId id, string uid, string kid, IPAddress address, ClientKind client, string userAgent, long now) =>
        new(id, uid, kid, address, client, userAgent.Length > 256 ? userAgent[..256] : userAgent, new Meter(meters.Of(uid)),
            clock.GetUtcNow().ToUnixTimeSeconds(), now);

    private void Keep(Session session)
    {
        if (_sessions.Count < MaxSessions)
            _sessions.TryAdd(session.Id, session);
    }

    /// <summary>The grant of a request's path; null when this service did not make it.</summary>
    public SessionGrant? Find(ReadOnlySpan<char> segment, IPAddress address, ClientKind client, string userAgent, long now)
    {
        if (_paths.Find(segment) is { } known)
            return known;
        if (!grants.TryRead(segment, out var claim))
            return null;
        // Right by its MAC and unknown here: this process is younger than the session, or another node opened it.
        if (!_sessions.TryGetValue(claim.Id, out var session))
        {
            session = Make(claim.Id, claim.Uid, claim.Kid, address, client, userAgent, now);
            Keep(session);
        }
        var text = segment.ToString();
        var grant = new SessionGrant(session, claim.Scope, claim.Expires, (long)options().MaxLifetime.TotalSeconds, claim.Bound, text);
        _paths.Put(text, grant);
        return grant;
    }

    public SessionGrant Grant(Session session, string scope, AddressKey? bound)
    {
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        return session.GrantFor(scope, bound, (s, covered, address) =>
        {
            var lifetime = (long)options().MaxLifetime.TotalSeconds;
            var segment = grants.Make(new SessionClaim(s.Id, s.Uid, s.Kid, covered, now + lifetime, address));
            return new SessionGrant(s, covered, now + lifetime, lifetime, address, segment);
        }, now);
    }

    private void DropIdle()
    {
        var now = clock.GetTimestamp();
        var idle = options().Idle;
        foreach (var (id, session) in _sessions)
        {
            if (clock.GetElapsedTime(session.LastSeen, now) > idle)
                _sessions.TryRemove(id, out _);
        }
    }

    public void Dispose() => _sweep?.Dispose();
}
