using System.Runtime.Intrinsics;
using System.Text;

namespace XLive.Server.Access;

/// <summary>A grant whose token was right: asked again for what time and the operator can take away, never for its MAC.</summary>
internal sealed class RememberedGrant(AccessRules rules, SigningKey key, string name, string uid, string scope, long expires, ReadOnlySpan<byte> token)
{
    private readonly byte[] _uid = Encoding.UTF8.GetBytes(uid);
    private readonly byte[] _scope = Encoding.UTF8.GetBytes(scope);
    private readonly bool _tooWide = Access.Scope.IsTooWideToDerive(Encoding.UTF8.GetBytes(scope), rules.Grants.LiveApps);
    private readonly Vector256<byte> _token = token.IsEmpty ? default : Vector256.Create(token);
    private readonly bool _hasToken = !token.IsEmpty;

    public AccessRules Rules => rules;
    public SigningKey Key => key;
    public string Uid => uid;
    public string Scope => scope;
    public long Expires => expires;

    /// <summary>One grant, one name, whatever the rules: its token, or the uid that was taken as given.</summary>
    public string Name => name;

    public bool HasToken(ReadOnlySpan<byte> given) => _hasToken && Vector256.Create(given) == _token;

    /// <summary>
    /// Whether this is the grant that was right, and covers the path. A token alone says nothing: the fields around it may be others
    /// now, and a grant that states no scope has the one of the path it is shown for.
    /// </summary>
    public bool Is(in SignedGrant grant, ReadOnlySpan<char> path) =>
        grant.Expires == expires && grant.Uid.SequenceEqual(_uid) && grant.Kid.SequenceEqual(key.KidBytes)
        && (grant.Scope.IsEmpty
            ? Access.Scope.Derived(path).SequenceEqual(scope) && !_tooWide
            : grant.Scope.SequenceEqual(_scope) && Access.Scope.Covers(scope, path, rules.Grants.LiveApps));
}
