using XLive.Server.Sessions;
using XLive.Server.Traffic;

namespace XLive.Server.Access;

/// <summary>The gate's one value: who plays, or the status and the reason of the refusal.</summary>
public readonly struct Admission
{
    private Admission(int status, string reason, string kid, Session? session, string tokenScope, bool isEntry, Meter meter)
    {
        Status = status;
        Reason = reason;
        Kid = kid;
        Session = session;
        TokenScope = tokenScope;
        IsEntry = isEntry;
        Meter = meter;
    }

    public bool Granted => Status == 0;
    public int Status { get; }

    /// <summary>The word of the refusal, for the answer, the audit log and the metrics.</summary>
    public string Reason { get; }
    public string Kid { get; }

    /// <summary>The viewer; null where nobody asked for a grant.</summary>
    public Session? Session { get; }

    /// <summary>What the viewer's grant covers: a session's scope never goes beyond it.</summary>
    public string TokenScope { get; }

    /// <summary>The request came with a link, not below a session's path: its playlist sends the children there.</summary>
    public bool IsEntry { get; }
    public Meter Meter { get; }

    public static Admission Refused(int status, string reason, string kid = "") => new(status, reason, kid, null, "", false, null!);

    public static Admission Nobody(Meter meter) => new(0, "", "", null, "", false, meter);

    public static Admission Entry(Session session, string scope) => new(0, "", session.Kid, session, scope, true, session.Meter);

    public static Admission Inside(SessionGrant grant) => new(0, "", grant.Session.Kid, grant.Session, grant.Scope, false, grant.Session.Meter);
}
