using System.Net;
using System.Runtime.CompilerServices;
using XLive.Server.Access;
using XLive.Server.Hooks;
using XLive.Server.Live;
using XLive.Server.Operations.Health;
using XLive.Server.Sessions;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Quotas;

namespace XLive.Server.Operations.Api;

/// <summary>What happens in the parts of the server that know of no hooks, told to the site.</summary>
public static class HookSources
{
    // A player that is refused comes again each second or so; the site is told of its user once in this time.
    private static readonly TimeSpan LimitApart = TimeSpan.FromMinutes(1);
    private const int MostLimited = 4096;

    public static void UseHooks(this IServiceProvider services)
    {
        var hooks = services.GetRequiredService<HookEvents>();
        services.GetRequiredService<LiveStreams>().Happened += e => Live(hooks, e);
        var sessions = services.GetRequiredService<SessionTable>();
        sessions.Ended = services.GetRequiredService<PlayHooks>().Ended;
        sessions.LimitMet = Limits(hooks);
        if (services.GetService<Ledger>() is { } ledger)
            ledger.Outbox.Parked = (report, why) => hooks.Tell(HookKind.ReportParked, new() { Report = report, Reason = why });
        if (services.GetService<QuotaWatch>() is { } quotas)
            quotas.Turned = (uid, isOver) => hooks.Tell(HookKind.Quota, new() { Uid = uid, Reason = isOver ? "exceeded" : "lifted" });
        services.GetRequiredService<HealthChecks>().Turned = (before, state, why) =>
            hooks.Tell(HookKind.Health, new() { State = HealthEndpoints.Word(state), Before = HealthEndpoints.Word(before), Reason = why });
    }

    private static void Live(HookEvents hooks, in LiveEvent e)
    {
        HookKind kind;
        if (e.Kind == LiveEventKind.Published)
            kind = HookKind.Publish;
        else if (e.Kind == LiveEventKind.Left)
            kind = HookKind.Unpublish;
        else
            return;
        hooks.Tell(kind, new()
        {
            Stream = e.Stream.ToString(),
            Publisher = e.Publisher!.Key,
            Protocol = e.Publisher.Protocol,
            Address = hooks.Text(e.Publisher.Address),
            Reason = e.Why is { } why ? Word(why) : "",
        });
    }

    private static Action<string, IPAddress, string> Limits(HookEvents hooks)
    {
        var told = new RecentTable<StrongBox<long>>(MostLimited);
        return (uid, address, how) =>
        {
            if (!hooks.Tells(HookKind.SessionLimit))
                return;
            var now = hooks.Clock.GetTimestamp();
            var last = told.Find(uid);
            if (last is not null && hooks.Clock.GetElapsedTime(Volatile.Read(ref last.Value), now) < LimitApart)
                return;
            told.Put(uid, new StrongBox<long>(now));
            hooks.Tell(HookKind.SessionLimit, new() { Uid = uid, Address = hooks.Text(address), Reason = how });
        };
    }

    private static string Word(PublishEnd why) => why switch
    {
        PublishEnd.Finished => "finished",
        PublishEnd.Lost => "lost",
        PublishEnd.TakenOver => "taken_over",
        PublishEnd.Kicked => "kicked",
        PublishEnd.Revoked => "revoked",
        PublishEnd.OutOfMemory => "out_of_memory",
        PublishEnd.ServerFull => "server_full",
        PublishEnd.Stopping => "stopping",
        _ => throw new ArgumentOutOfRangeException(nameof(why)),
    };
}
