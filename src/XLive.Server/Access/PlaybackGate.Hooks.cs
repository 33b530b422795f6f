using Microsoft.AspNetCore.Http;
using XLive.Server.Door;
using XLive.Server.Hooks;
using XLive.Server.Sessions;

namespace XLive.Server.Access;

// Where the site is asked too. Of all that is asked, it is the last but the device limit: it waits for nobody who has no right.
public sealed partial class PlaybackGate
{
    /// <summary>The site may want a word in it: once a session and stream.</summary>
    private Admission Hooked(IMediaRequest request, AccessRules rules, Visitor visitor, RememberedGrant grant, EntryKey entry, Session? session)
    {
        var stream = PlayHooks.StreamOf(request.Target.Path, rules, grant);
        if (session is not null && Enter(request, session, grant) is var entered && (!entered.Granted || session.HasPlayed(stream)))
            return entered;
        var answer = hooks!.AskAsync(request, visitor, entry, session, stream);
        return answer.IsCompletedSuccessfully
            ? Answered(request, rules, visitor, grant, entry, session, stream, answer.Result)
            : Admission.Later(WhenAnswered(request, rules, visitor, grant, entry, session, stream, answer));
    }

    private async Task<Admission> WhenAnswered(IMediaRequest request, AccessRules rules, Visitor visitor, RememberedGrant grant, EntryKey entry, Session? session,
        string stream, ValueTask<HookVerdict> answer)
    {
        var admission = Answered(request, rules, visitor, grant, entry, session, stream, await answer);
        if (!admission.Granted && admission.Pending is null)
            admission = Settle(request, rules, visitor, admission);
        return admission.Pending is { } pending ? await pending : admission;
    }

    private Admission Answered(IMediaRequest request, AccessRules rules, Visitor visitor, RememberedGrant grant, EntryKey entry, Session? session,
        string stream, HookVerdict verdict)
    {
        if (verdict != HookVerdict.Allow)
        {
            return verdict == HookVerdict.Deny
                ? Admission.RefusedViewer("hook_denied", grant.Key.Kid)
                : Admission.RefusedViewer("hook_silent", grant.Key.Kid, StatusCodes.Status503ServiceUnavailable);
        }
        var admission = session is not null
            ? Enter(request, session, grant)
            : Open(request, rules, visitor, grant, new(grant.Uid, grant.Key.Kid, request.Remote, visitor.Kind, visitor.UserAgent, entry, request.Now));
        if (admission.Pending is { } pending)
            return Admission.Later(WhenPlays(request, stream, pending));
        if (admission.Granted)
            hooks!.Plays(admission.Session!, request, stream);
        return admission;
    }

    private async Task<Admission> WhenPlays(IMediaRequest request, string stream, Task<Admission> pending)
    {
        var admission = await pending;
        if (admission is { Granted: true, Session: { } session })
            hooks!.Plays(session, request, stream);
        return admission;
    }
}
