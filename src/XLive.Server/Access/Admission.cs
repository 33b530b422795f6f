using XLive.Server.Limits;
using XLive.Server.Sessions;
using XLive.Server.Traffic;

namespace XLive.Server.Access;

/// <summary>The gate's one value: who plays, or the status and the reason of the refusal.</summary>
public readonly struct Admission
{
    private Admission(int status, string reason, string kid, Session? session, string tokenScope, bool isEntry, Meter meter, bool isOfViewer = false)
    {
        IsOfViewer = isOfViewer;
        Status = status;
        Reason = reason;
        Kid = kid;
        Session = session;
        TokenScope = tokenScope;
        IsEntry = isEntry;
        Meter = meter;
    }

    public bool Granted => Status == 0 && Pending is null;
    public int Status { get; }

    /// <summary>The word of the refusal, for the answer, the audit log and the metrics.</summary>
    public string Reason { get; }
    public string Kid { get; }

    /// <summary>Refused for who he is, not for what he brought: a kick, a revocation, a limit.</summary>
    public bool IsOfViewer { get; }

    /// <summary>The answer comes later: where a session is opened, and nodes count devices together or the site is asked.</summary>
    public Task<Admission>? Pending { get; private init; }

    /// <summary>With status 429.</summary>
    public TooMany? TooMany { get; private init; }

    /// <summary>The viewer; null where nobody asked for a grant.</summary>
    public Session? Session { get; }

    /// <summary>What the viewer's grant covers: a session's scope never goes beyond it.</summary>
    public string TokenScope { get; }

    /// <summary>The request came with a link, not below a session's path: its playlist sends the children there.</summary>
    public bool IsEntry { get; }
    public Meter Meter { get; }

    public static Admission Refused(int status, string reason, string kid = "") => new(status, reason, kid, null, "", false, null!);

    public static Admission Limited(in TooMany tooMany, string kid) =>
        new(Microsoft.AspNetCore.Http.StatusCodes.Status429TooManyRequests, "too_many", kid, null, "", false, null!) { TooMany = tooMany };

    public static Admission RefusedViewer(string reason, string kid, int status = Microsoft.AspNetCore.Http.StatusCodes.Status403Forbidden) =>
        new(status, reason, kid, null, "", false, null!, isOfViewer: true);

    public static Admission Later(Task<Admission> pending) => new(0, "", "", null, "", false, null!) { Pending = pending };

    public static Admission Nobody(Meter meter) => new(0, "", "", null, "", false, meter);

    public static Admission Entry(Session session, string scope) => new(0, "", session.Kid, session, scope, true, session.Meter);

    public static Admission Inside(SessionGrant grant) => new(0, "", grant.Session.Kid, grant.Session, grant.Scope, false, grant.Session.Meter);
}
