using System.Net;
using XLive.Server.Traffic;

namespace XLive.Server.Sessions;

/// <summary>One viewer: a user on a device. Every request of his, whatever its grant, leads here.</summary>
public sealed class Session
{
    private const int KeptPrefixes = 8;

    private readonly Lock _gate = new();
    private readonly List<SessionGrant> _grants = new(1);
    private long _lastSeen;

    public Session(SessionId id, string uid, string kid, IPAddress address, ClientKind client, string userAgent, Meter meter, long openedAt, long now)
    {
        Id = id;
        Sid = id.ToString();
        Uid = uid;
        Kid = kid;
        Address = address;
        Client = client;
        UserAgent = userAgent;
        Meter = meter;
        OpenedAt = openedAt;
        _lastSeen = now;
    }

    public SessionId Id { get; }
    public string Sid { get; }
    public string Uid { get; }

    /// <summary>The key that signed the link it came by.</summary>
    public string Kid { get; }
    public IPAddress Address { get; }
    public ClientKind Client { get; }
    public string UserAgent { get; }
    public Meter Meter { get; }

    /// <summary>Unix seconds.</summary>
    public long OpenedAt { get; }

    /// <summary>Monotonic.</summary>
    public long LastSeen => Volatile.Read(ref _lastSeen);

    public void Touch(long now) => Volatile.Write(ref _lastSeen, now);

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
}

/// <summary>What stands in the path of a session's requests, "~s1.payload.mac", and what it covers.</summary>
public sealed class SessionGrant(Session session, string scope, long expires, long lifetime, AddressKey? bound, string segment)
{
    public Session Session => session;
    public string Scope => scope;

    /// <summary>Unix seconds.</summary>
    public long Expires => expires;
    public long Lifetime => lifetime;

    /// <summary>The address or network it is good for, where access.bind_ip says so.</summary>
    public AddressKey? Bound => bound;

    /// <summary>"/~s1.payload.mac", ready to be spliced into a playlist.</summary>
    public byte[] Prefix { get; } = System.Text.Encoding.ASCII.GetBytes("/" + segment);
    public string Segment => segment;
}
