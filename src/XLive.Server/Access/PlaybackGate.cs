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
public sealed class PlaybackGate(SessionTable sessions, UserMeters meters, TimeProvider clock, Overload? overload = null)
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

    public Admission Admit(Exchange exchange)
    {
        var rules = _rules;
        var visitor = Visitor.Of(exchange, rules);
        var admission = Judge(exchange, rules, visitor);
        return admission.Granted || admission.Pending is not null ? admission : Settle(exchange, rules, visitor, admission);
    }

    /// <summary>What was refused may need no grant at all.</summary>
    private Admission Settle(Exchange exchange, AccessRules rules, Visitor visitor, in Admission admission)
    {
        // Where everybody may play everything, who is kicked or has too many devices shall hear it all the same.
        if (admission.Status == StatusCodes.Status404NotFound || !NeedsNone(exchange, rules, visitor) || admission.IsOfViewer && !rules.Enabled)
            return admission;
        // Nothing was asked for: address and client count all the same.
        return Refusal(exchange, rules, visitor) is { } why ? Admission.Refused(403, why) : Ungated(exchange, rules, visitor);
    }

    private Admission Judge(Exchange exchange, AccessRules rules, Visitor visitor)
    {
        var inPath = exchange.Target.Grant;
        if (inPath.IsEmpty)
            return Entry(exchange, rules, visitor, exchange.Target.Query, isPath: false);
        if (inPath.StartsWith("~s1.", StringComparison.Ordinal))
            return Inside(exchange, rules, visitor, inPath);
        return inPath.StartsWith("~v1.", StringComparison.Ordinal)
            ? Entry(exchange, rules, visitor, inPath, isPath: true)
            : Admission.Refused(404, "not_found");
    }

    private static bool NeedsNone(Exchange exchange, AccessRules rules, Visitor visitor) =>
        !rules.Enabled || visitor.Trusted || rules.Public.Count > 0 && rules.Public.Matches(exchange.Target.Path);

    private Admission Ungated(Exchange exchange, AccessRules rules, Visitor visitor)
    {
        // A grant that did not hold may have named somebody; these bytes are not charged to him.
        exchange.Uid = exchange.Sid = "";
        if (rules.Enabled)
            return Nobody(exchange, visitor);
        Span<byte> scratch = exchange.Target.Query.Length <= 1024 ? stackalloc byte[1024] : new byte[exchange.Target.Query.Length];
        var given = GrantQuery.UidOf(exchange.Target.Query, scratch);
        if (given.IsEmpty)
            return Nobody(exchange, visitor);
        // Taken as given, and carried to the children like a signed one. No token has a blank in it.
        var uid = Encoding.UTF8.GetString(given);
        var name = "open " + uid;
        var open = _grants.Find(name);
        if (open is null || open.Rules != rules)
            _grants.Put(name, open = new RememberedGrant(rules, OpenKey, name, uid, "/", long.MaxValue, []));
        return Viewer(exchange, rules, visitor, open);
    }

    /// <summary>Without a session a viewer is known by the connection alone: one that has brought something already plays on.</summary>
    private Admission Nobody(Exchange exchange, Visitor visitor)
    {
        if (!visitor.Plays && overload is { RefusesViewers: true } && !exchange.IsHead)
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

    private Admission Inside(Exchange exchange, AccessRules rules, Visitor visitor, ReadOnlySpan<char> segment)
    {
        if (Refusal(exchange, rules, visitor) is { } why)
            return Admission.Refused(403, why);
        var grant = visitor.Path is { } last && segment.SequenceEqual(last.Segment)
            ? sessions.Current(last)
            : sessions.Find(segment, exchange.Remote, visitor.Kind, visitor.UserAgent, exchange.Now);
        if (grant is null)
            return Admission.Refused(401, GrantReason.WrongToken.Word);
        visitor.Path = grant;
        exchange.Uid = grant.Session.Uid;
        exchange.Sid = grant.Session.Sid;
        if (clock.GetUtcNow().ToUnixTimeSeconds() > grant.Expires)
            return Admission.Refused(410, GrantReason.Expired.Word, grant.Session.Kid);
        if (grant.Bound is { } bound && bound != visitor.Network && bound != visitor.Exact)
            return Admission.Refused(403, "other_address", grant.Session.Kid);
        if (!Scope.Covers(grant.Scope, exchange.Target.Path, rules.Grants.LiveApps))
            return Admission.Refused(403, GrantReason.OutsideScope.Word, grant.Session.Kid);
        if (sessions.Refusal(grant.Session, exchange.Now) is { } refusal)
            return Admission.RefusedViewer(refusal, grant.Session.Kid);
        Touch(exchange, grant.Session);
        return Admission.Inside(grant);
    }

    [SkipLocalsInit]
    private Admission Entry(Exchange exchange, AccessRules rules, Visitor visitor, ReadOnlySpan<char> link, bool isPath)
    {
        Span<byte> scratch = link.Length <= 1024 ? stackalloc byte[1024] : new byte[link.Length];
        var reason = isPath ? GrantPrefix.Parse(link, scratch, out var grant) : GrantQuery.Parse(link, scratch, out grant);
        if (reason != GrantReason.Granted)
            return Refused(reason);
        if (Refusal(exchange, rules, visitor) is { } why)
            return Admission.Refused(403, why, grant.KidText);
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        var known = visitor.Link is { } last && last.HasToken(grant.Token) ? last : Remembered(grant);
        if (known is null || known.Rules != rules || !known.Is(grant, exchange.Target.Path))
            return Verify(exchange, rules, visitor, grant, now);
        exchange.Uid = known.Uid;
        reason = SignedUrl.Recheck(known.Key, known.Expires, rules.Grants, now);
        return reason == GrantReason.Granted ? Viewer(exchange, rules, visitor, known) : Refused(reason, known.Key.Kid);
    }

    private RememberedGrant? Remembered(in SignedGrant grant)
    {
        Span<char> name = stackalloc char[GrantText.TokenChars];
        Base64Url.EncodeToChars(grant.Token, name);
        return _grants.Find(name);
    }

    private Admission Verify(Exchange exchange, AccessRules rules, Visitor visitor, in SignedGrant grant, long now)
    {
        var path = exchange.Target.Path;
        var reason = SignedUrl.Verify(grant, path, rules.Keys, rules.Grants, now, out var key);
        // Only a right token makes the claimed user the user.
        if (key is not null)
            exchange.Uid = grant.UidText;
        if (reason != GrantReason.Granted)
            return Refused(reason, grant.KidText);
        // A right token is right for one key, uid, expiry and scope alone: it names the grant, whatever has changed.
        var name = Base64Url.EncodeToString(grant.Token);
        var remembered = new RememberedGrant(rules, key!, name, exchange.Uid, grant.ScopeFor(path), grant.Expires, grant.Token);
        _grants.Put(name, remembered);
        return Viewer(exchange, rules, visitor, remembered);
    }

    private Admission Viewer(Exchange exchange, AccessRules rules, Visitor visitor, RememberedGrant grant)
    {
        exchange.Uid = grant.Uid;
        var session = visitor.SessionOf(grant);
        if (session is null || !sessions.IsSame(session, exchange.Now))
        {
            var entry = EntryKey.Of(grant.Name, visitor.Network, visitor.UserAgent);
            session = sessions.FindEntry(entry, exchange.Now);
            if (session is null)
                return Newcomer(exchange, rules, visitor, grant, entry);
            visitor.Keep(grant, session);
        }
        sessions.Counts.Reused();
        return Enter(exchange, session, grant);
    }

    private Admission Enter(Exchange exchange, Session session, RememberedGrant grant)
    {
        exchange.Sid = session.Sid;
        if (sessions.Refusal(session, exchange.Now) is { } refusal)
            return Admission.RefusedViewer(refusal, grant.Key.Kid);
        Touch(exchange, session);
        return Admission.Entry(session, grant.Scope);
    }

    private static void Touch(Exchange exchange, Session session)
    {
        session.Touch(exchange.Now, exchange.Target.Raw);
        exchange.Viewer = session;
    }

    private Admission Newcomer(Exchange exchange, AccessRules rules, Visitor visitor, RememberedGrant grant, EntryKey entry)
    {
        if (sessions.Refusal(entry, grant.Uid, grant.Key.Kid) is { } refusal)
            return Admission.RefusedViewer(refusal, grant.Key.Kid);
        var who = new Newcomer(grant.Uid, grant.Key.Kid, exchange.Remote, visitor.Kind, visitor.UserAgent, entry, exchange.Now);
        // HEAD opens none.
        if (exchange.IsHead)
            return Admission.Entry(sessions.Sketch(who), grant.Scope);
        if (overload is { RefusesViewers: true })
            return Overloaded();
        var opening = sessions.Open(who);
        return opening.Pending is { } pending
            ? Admission.Later(WhenOpened(exchange, rules, visitor, grant, pending))
            : Opened(exchange, visitor, grant, opening.Session);
    }

    private Admission Opened(Exchange exchange, Visitor visitor, RememberedGrant grant, Session? session)
    {
        if (session is null)
            return Admission.RefusedViewer("device_limit", grant.Key.Kid);
        visitor.Keep(grant, session);
        return Enter(exchange, session, grant);
    }

    private async Task<Admission> WhenOpened(Exchange exchange, AccessRules rules, Visitor visitor, RememberedGrant grant, Task<Session?> pending)
    {
        var admission = Opened(exchange, visitor, grant, await pending);
        return admission.Granted ? admission : Settle(exchange, rules, visitor, admission);
    }

    /// <summary>The grant that the children of a title carry: as wide as the title, never wider than the link.</summary>
    public SessionGrant GrantChildren(Exchange exchange, in Admission admission, string titleScope)
    {
        var rules = _rules;
        AddressKey? bound = rules.BindIp switch
        {
            AddressBinding.Prefix => AddressKey.Network(exchange.Remote),
            AddressBinding.Exact => AddressKey.Exact(exchange.Remote),
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

    private static string? Refusal(Exchange exchange, AccessRules rules, Visitor visitor)
    {
        if (!visitor.Admitted)
            return "address_refused";
        if (rules.JudgesClients && !rules.Admits(visitor.Kind, exchange.Target.Path))
            return "client_refused";
        if (rules.JudgesPages && !rules.AdmitsPage(exchange.Target.Path, exchange.RequestHeaders.Referer.ToString()))
            return "page_refused";
        return null;
    }

    private static Admission Refused(GrantReason reason, string kid = "") => Admission.Refused(reason.Status, reason.Word, kid);
}
