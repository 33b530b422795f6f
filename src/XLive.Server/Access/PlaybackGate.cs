using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.AspNetCore.Http;
using XLive.Server.Door;
using XLive.Server.Sessions;
using XLive.Server.Traffic;

namespace XLive.Server.Access;

/// <summary>
/// Who may have this? The contract's order: a grant (401), its form (400), address and client (403), MAC (401), the key now (401), expiry
/// (410), lifetime (403), scope (403), revoked, quota, device limit (403). A link that was right once costs a look-up; a session's path
/// another. All of it is answered from memory, but for one who opens a session where nodes count devices together.
/// </summary>
public sealed partial class PlaybackGate(SessionTable sessions, UserMeters meters, TimeProvider clock, Overload? overload = null, ViewerLimits? limits = null,
    PlayHooks? hooks = null)
{
    // Grants that were right lately, by their token: whatever else a query carries (CMCD, _HLS_*, a cache breaker), and whether the
    // grant stands in the query or the path, it is one grant.
    private readonly RecentTable<RememberedGrant> _grants = new(65_536);
    private volatile AccessRules _rules = new(new AccessOptions(), [], []);

    public AccessRules Rules
    {
        get => _rules;
        set => _rules = value;
    }

    public int GrantsRemembered => _grants.Count;

    public Admission Admit(IMediaRequest request)
    {
        var rules = _rules;
        var visitor = Visitor.Of(request, rules);
        var admission = Judge(request, rules, visitor);
        if (!admission.Granted && admission.Pending is null)
            admission = Settle(request, rules, visitor, admission);
        if (limits is not { AreOn: true })
            return admission;
        return admission.Pending is { } pending ? Admission.Later(LimitedAsync(request, pending)) : Limited(request, admission);
    }

    private Admission Limited(IMediaRequest request, in Admission admission) =>
        admission.Granted && limits!.Hold(request) is { } tooMany ? Admission.Limited(tooMany, admission.Kid) : admission;

    private async Task<Admission> LimitedAsync(IMediaRequest request, Task<Admission> pending) => Limited(request, await pending);

    /// <summary>What was refused may need no grant at all.</summary>
    private Admission Settle(IMediaRequest request, AccessRules rules, Visitor visitor, in Admission admission)
    {
        // Where everybody may play everything, who is kicked or has too many devices shall hear it all the same.
        if (admission.Status == StatusCodes.Status404NotFound || !NeedsNone(request, rules, visitor) || admission.IsOfViewer && !rules.Enabled)
            return admission;
        // Nothing was asked for: address and client count all the same.
        return Refusal(request, rules, visitor) is { } why ? Admission.Refused(403, why) : Ungated(request, rules, visitor);
    }

    private Admission Judge(IMediaRequest request, AccessRules rules, Visitor visitor)
    {
        var inPath = request.Target.Grant;
        if (inPath.IsEmpty)
            return Entry(request, rules, visitor, request.Target.Query, isPath: false);
        if (inPath.StartsWith("~s1.", StringComparison.Ordinal))
            return Inside(request, rules, visitor, inPath);
        return inPath.StartsWith("~v1.", StringComparison.Ordinal)
            ? Entry(request, rules, visitor, inPath, isPath: true)
            : Admission.Refused(404, "not_found");
    }

    private static bool NeedsNone(IMediaRequest request, AccessRules rules, Visitor visitor) =>
        !rules.Enabled || visitor.Trusted || rules.Public.Count > 0 && rules.Public.Matches(request.Target.Path);

    private Admission Ungated(IMediaRequest request, AccessRules rules, Visitor visitor)
    {
        // A grant that did not hold may have named somebody; these bytes are not charged to him.
        request.Uid = request.Sid = "";
        if (rules.Enabled)
            return Nobody(request, visitor);
        Span<byte> scratch = request.Target.Query.Length <= 1024 ? stackalloc byte[1024] : new byte[request.Target.Query.Length];
        var given = GrantQuery.UidOf(request.Target.Query, scratch);
        if (given.IsEmpty)
            return Nobody(request, visitor);
        // Taken as given, and carried to the children like a signed one. No token has a blank in it.
        var uid = Encoding.UTF8.GetString(given);
        var name = "open " + uid;
        var open = _grants.Find(name);
        if (open is null || open.Rules != rules)
            _grants.Put(name, open = new RememberedGrant(rules, OpenKey, name, uid, "/", long.MaxValue, []));
        return Viewer(request, rules, visitor, open);
    }

    /// <summary>Without a session a viewer is known by the connection alone: one that has brought something already plays on.</summary>
    private Admission Nobody(IMediaRequest request, Visitor visitor)
    {
        if (!visitor.Plays && overload is { RefusesViewers: true } && !request.IsHead)
            return Overloaded();
        visitor.Plays = true;
        return Admission.Nobody(meters.Nobody);
    }

    private Admission Overloaded()
    {
        overload!.CountRefusedViewer();
        return Admission.Refused(StatusCodes.Status503ServiceUnavailable, "overloaded");
    }

    private static readonly SigningKey OpenKey = new("", new byte[SigningKey.MinSecretBytes]);

    private Admission Inside(IMediaRequest request, AccessRules rules, Visitor visitor, ReadOnlySpan<char> segment)
    {
        if (Refusal(request, rules, visitor) is { } why)
            return Admission.Refused(403, why);
        var grant = visitor.Path is { } last && segment.SequenceEqual(last.Segment)
            ? sessions.Current(last)
            : sessions.Find(segment, request.Remote, visitor.Kind, visitor.UserAgent, request.Now);
        if (grant is null)
            return Admission.Refused(401, GrantReason.WrongToken.Word);
        visitor.Path = grant;
        request.Uid = grant.Session.Uid;
        request.Sid = grant.Session.Sid;
        if (clock.GetUtcNow().ToUnixTimeSeconds() > grant.Expires)
            return Admission.Refused(410, GrantReason.Expired.Word, grant.Session.Kid);
        if (grant.Bound is { } bound && bound != visitor.Network && bound != visitor.Exact)
            return Admission.Refused(403, "other_address", grant.Session.Kid);
        if (!Scope.Covers(grant.Scope, request.Target.Path, rules.Grants.LiveApps))
            return Admission.Refused(403, GrantReason.OutsideScope.Word, grant.Session.Kid);
        if (sessions.Refusal(grant.Session, request.Now) is { } refusal)
            return Admission.RefusedViewer(refusal, grant.Session.Kid);
        Touch(request, grant.Session);
        return Admission.Inside(grant);
    }

    [SkipLocalsInit]
    private Admission Entry(IMediaRequest request, AccessRules rules, Visitor visitor, ReadOnlySpan<char> link, bool isPath)
    {
        Span<byte> scratch = link.Length <= 1024 ? stackalloc byte[1024] : new byte[link.Length];
        var reason = isPath ? GrantPrefix.Parse(link, scratch, out var grant) : GrantQuery.Parse(link, scratch, out grant);
        if (reason != GrantReason.Granted)
            return Refused(reason);
        if (Refusal(request, rules, visitor) is { } why)
            return Admission.Refused(403, why, grant.KidText);
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        var known = visitor.Link is { } last && last.HasToken(grant.Token) ? last : Remembered(grant);
        if (known is null || known.Rules != rules || !known.Is(grant, request.Target.Path))
            return Verify(request, rules, visitor, grant, now);
        request.Uid = known.Uid;
        reason = SignedUrl.Recheck(known.Key, known.Expires, rules.Grants, now);
        return reason == GrantReason.Granted ? Viewer(request, rules, visitor, known) : Refused(reason, known.Key.Kid);
    }

    private RememberedGrant? Remembered(in SignedGrant grant)
    {
        Span<char> name = stackalloc char[GrantText.TokenChars];
        Base64Url.EncodeToChars(grant.Token, name);
        return _grants.Find(name);
    }

    private Admission Verify(IMediaRequest request, AccessRules rules, Visitor visitor, in SignedGrant grant, long now)
    {
        var path = request.Target.Path;
        var reason = SignedUrl.Verify(grant, path, rules.Keys, rules.Grants, now, out var key);
        // Only a right token makes the claimed user the user.
        if (key is not null)
            request.Uid = grant.UidText;
        if (reason != GrantReason.Granted)
            return Refused(reason, grant.KidText);
        // A right token is right for one key, uid, expiry and scope alone: it names the grant, whatever has changed.
        var name = Base64Url.EncodeToString(grant.Token);
        var remembered = new RememberedGrant(rules, key!, name, request.Uid, grant.ScopeFor(path), grant.Expires, grant.Token);
        _grants.Put(name, remembered);
        return Viewer(request, rules, visitor, remembered);
    }

    private Admission Viewer(IMediaRequest request, AccessRules rules, Visitor visitor, RememberedGrant grant)
    {
        request.Uid = grant.Uid;
        var session = visitor.SessionOf(grant);
        if (session is null || !sessions.IsSame(session, request.Now))
        {
            var entry = EntryKey.Of(grant.Name, visitor.Network, visitor.UserAgent);
            session = sessions.FindEntry(entry, request.Now);
            if (session is null)
                return Newcomer(request, rules, visitor, grant, entry);
            visitor.Keep(grant, session);
        }
        sessions.Counts.Reused();
        return hooks is { IsOn: true } && !request.IsHead ? Hooked(request, rules, visitor, grant, session.Entry, session) : Enter(request, session, grant);
    }

    private Admission Enter(IMediaRequest request, Session session, RememberedGrant grant)
    {
        request.Sid = session.Sid;
        if (sessions.Refusal(session, request.Now) is { } refusal)
            return Admission.RefusedViewer(refusal, grant.Key.Kid);
        Touch(request, session);
        return Admission.Entry(session, grant.Scope);
    }

    private static void Touch(IMediaRequest request, Session session)
    {
        session.Touch(request.Now, request.Target.Raw);
        request.Viewer = session;
    }

    private Admission Newcomer(IMediaRequest request, AccessRules rules, Visitor visitor, RememberedGrant grant, EntryKey entry)
    {
        if (sessions.Refusal(entry, grant.Uid, grant.Key.Kid) is { } refusal)
            return Admission.RefusedViewer(refusal, grant.Key.Kid);
        var who = new Newcomer(grant.Uid, grant.Key.Kid, request.Remote, visitor.Kind, visitor.UserAgent, entry, request.Now);
        // HEAD opens none.
        if (request.IsHead)
            return Admission.Entry(sessions.Sketch(who), grant.Scope);
        if (overload is { RefusesViewers: true })
            return Overloaded();
        return hooks is { IsOn: true } ? Hooked(request, rules, visitor, grant, entry, null) : Open(request, rules, visitor, grant, who);
    }

    private Admission Open(IMediaRequest request, AccessRules rules, Visitor visitor, RememberedGrant grant, in Newcomer who)
    {
        var opening = sessions.Open(who);
        return opening.Pending is { } pending
            ? Admission.Later(WhenOpened(request, rules, visitor, grant, pending))
            : Opened(request, visitor, grant, opening.Session);
    }

    private Admission Opened(IMediaRequest request, Visitor visitor, RememberedGrant grant, Session? session)
    {
        if (session is null)
            return Admission.RefusedViewer("device_limit", grant.Key.Kid);
        visitor.Keep(grant, session);
        return Enter(request, session, grant);
    }

    private async Task<Admission> WhenOpened(IMediaRequest request, AccessRules rules, Visitor visitor, RememberedGrant grant, Task<Session?> pending)
    {
        var admission = Opened(request, visitor, grant, await pending);
        return admission.Granted ? admission : Settle(request, rules, visitor, admission);
    }

    /// <summary>The grant that the children of a title carry: as wide as the title, never wider than the link.</summary>
    public SessionGrant GrantChildren(IMediaRequest request, in Admission admission, string titleScope)
    {
        var rules = _rules;
        AddressKey? bound = rules.BindIp switch
        {
            AddressBinding.Prefix => AddressKey.Network(request.Remote),
            AddressBinding.Exact => AddressKey.Exact(request.Remote),
            _ => null,
        };
        return sessions.Grant(admission.Session!, Narrower(titleScope, admission.TokenScope), bound);
    }

    /// <summary>The title's directory where the link covers it whole; else what the link covers.</summary>
    private static string Narrower(string title, string link)
    {
        if (link.EndsWith('/'))
            return title.StartsWith(link, StringComparison.Ordinal) ? title : link;
        if (link.EndsWith('*'))
            return title.StartsWith(link.AsSpan(0, link.Length - 1), StringComparison.Ordinal) ? title : link;
        return link;
    }

    private static string? Refusal(IMediaRequest request, AccessRules rules, Visitor visitor)
    {
        if (!visitor.Admitted)
            return "address_refused";
        if (rules.JudgesClients && !rules.Admits(visitor.Kind, request.Target.Path))
            return "client_refused";
        if (rules.JudgesPages && !rules.AdmitsPage(request.Target.Path, PageOf(request.RequestHeaders)))
            return "page_refused";
        return null;
    }

    // With a WebSocket browsers send no Referer, but always where it comes from (RFC 6455 section 10.2).
    private static string PageOf(IHeaderDictionary headers) =>
        headers.Referer.Count == 0 && headers.SecWebSocketVersion.Count > 0 ? headers.Origin.ToString() : headers.Referer.ToString();

    private static Admission Refused(GrantReason reason, string kid = "") => Admission.Refused(reason.Status, reason.Word, kid);
}
