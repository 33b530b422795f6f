using System.Text;
using XLive.Server.Sessions;

namespace XLive.Server.Access;

/// <summary>A grant whose token was right: asked again for what time and the operator can take away, never for its MAC.</summary>
internal sealed class RememberedGrant(AccessRules rules, SigningKey key, string uid, string scope, long expires, GrantViewers viewers)
{
    private readonly byte[] _uid = Encoding.UTF8.GetBytes(uid);
    private readonly byte[] _scope = Encoding.UTF8.GetBytes(scope);

    public AccessRules Rules => rules;
    public SigningKey Key => key;
    public string Uid => uid;
    public string Scope => scope;
    public long Expires => expires;
    public GrantViewers Viewers => viewers;

    /// <summary>
    /// Whether this is the grant that was right, and covers the path. A token alone says nothing: the fields around it may be others
    /// now, and a grant that states no scope has the one of the path it is shown for.
    /// </summary>
    public bool Is(in SignedGrant grant, ReadOnlySpan<char> path) =>
        grant.Expires == expires && grant.Uid.SequenceEqual(_uid) && grant.Kid.SequenceEqual(key.KidBytes)
        && (grant.Scope.IsEmpty
            ? Access.Scope.Derived(path).SequenceEqual(scope) && !Access.Scope.IsTooWideToDerive(_scope, rules.Grants.LiveApps)
            : grant.Scope.SequenceEqual(_scope) && Access.Scope.Covers(scope, path, rules.Grants.LiveApps));
}

/// <summary>Who plays by one grant. It outlives a change of the rules: a reload must not make new viewers of the old.</summary>
internal sealed class GrantViewers
{
    // The contract's bound of one viewer: the same grant, address prefix and User-Agent within this time.
    private static readonly TimeSpan SameViewer = TimeSpan.FromSeconds(30);

    // One link shown to a whole school: beyond it the oldest are forgotten as entries, and play on by their session's path.
    private const int MaxViewers = 4096;

    private readonly Lock _gate = new();
    private readonly Dictionary<(AddressKey, string), Session> _viewers = [];

    public static bool IsSame(Session session, long now, TimeProvider clock) => clock.GetElapsedTime(session.LastSeen, now) < SameViewer;

    public Session? Find(AddressKey address, string userAgent, long now, TimeProvider clock)
    {
        lock (_gate)
            return _viewers.TryGetValue((address, userAgent), out var session) && IsSame(session, now, clock) ? session : null;
    }

    /// <summary>The session of this viewer, opened now unless another request of his was first.</summary>
    public Session Open(AddressKey address, string userAgent, long now, TimeProvider clock, Func<Session> open)
    {
        lock (_gate)
        {
            if (_viewers.TryGetValue((address, userAgent), out var session) && IsSame(session, now, clock))
                return session;
            session = open();
            if (_viewers.Count >= MaxViewers)
                Prune(now, clock);
            _viewers[(address, userAgent)] = session;
            return session;
        }
    }

    private void Prune(long now, TimeProvider clock)
    {
        foreach (var (viewer, session) in _viewers)
        {
            if (!IsSame(session, now, clock))
                _viewers.Remove(viewer);
        }
        if (_viewers.Count >= MaxViewers)
            _viewers.Clear();
    }
}
