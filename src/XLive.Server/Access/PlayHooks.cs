using XLive.Server.Door;
using XLive.Server.Hooks;
using XLive.Server.Sessions;

namespace XLive.Server.Access;

/// <summary>What the site is asked and told of those who play: once a session and stream.</summary>
public sealed class PlayHooks(HookQuestions questions, HookEvents events)
{
    /// <summary>False, and nobody's request is looked at.</summary>
    public bool IsOn => events.Tells(HookKind.Play) || events.Tells(HookKind.Stop);

    /// <summary>app/name of a live stream. What a film is nobody knows from one of its paths: what the link covers is the site's own word for it.</summary>
    internal static string StreamOf(ReadOnlySpan<char> path, AccessRules rules, RememberedGrant grant) =>
        rules.Grants.LiveApps.Holds(path) && rules.Grants.LiveApps.StreamOf(path.ToString()) is { } stream ? stream[1..] : grant.Scope;

    /// <param name="session">Null: it is opened when the answer is yes.</param>
    internal ValueTask<HookVerdict> AskAsync(IMediaRequest request, Visitor visitor, EntryKey entry, Session? session, string stream) =>
        questions.AskAsync(HookKind.Play, entry.ToString(), new()
        {
            Stream = stream,
            Path = request.Target.Path.ToString(),
            Uid = request.Uid,
            Sid = session?.Sid ?? "",
            Client = ClientKinds.Word(visitor.Kind),
            Address = questions.Text(request.Remote),
        });

    internal void Plays(Session session, IMediaRequest request, string stream)
    {
        if (!session.Plays(stream, out var left))
            return;
        if (left is not null)
            Stops(session, left, "other_stream");
        events.Tell(HookKind.Play, new()
        {
            Stream = stream,
            Path = request.Target.Path.ToString(),
            Uid = session.Uid,
            Sid = session.Sid,
            Client = ClientKinds.Word(session.Client),
            Address = events.Text(session.Address),
        });
    }

    /// <summary>It plays no more.</summary>
    internal void Ended(Session session, string why)
    {
        foreach (var stream in session.EndPlays())
            Stops(session, stream, why);
    }

    private void Stops(Session session, string stream, string why)
    {
        if (!events.Tells(HookKind.Stop))
            return;
        var record = session.ToRecord(events.Clock);
        events.Tell(HookKind.Stop, new()
        {
            Stream = stream,
            Uid = session.Uid,
            Sid = session.Sid,
            Client = ClientKinds.Word(session.Client),
            Address = events.Text(session.Address),
            Reason = why,
            Bytes = record.Bytes,
            Opened = record.OpenedAt,
            LastSeen = record.SeenAt,
        });
    }
}
