using System.Globalization;
using XLive.Server.Door;
using XLive.Server.Door.Tls;
using XLive.Server.Hooks;
using XLive.Server.Limits;
using XLive.Server.Live;
using XLive.Server.Playback.FrontCache;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Sessions;
using XLive.Server.Sessions.Redis;
using XLive.Server.Storage;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Reports;

namespace XLive.Server.Operations.Health;

// What each look sees, and the words for it.
public static partial class HealthServices
{
    private static (HealthState, string) Media(string root)
    {
        // Opening it is what a viewer's request does; existence alone is answered from a cache by some file servers.
        using var entries = Directory.EnumerateFileSystemEntries(root).GetEnumerator();
        return entries.MoveNext() ? (HealthState.Healthy, root) : (HealthState.Degraded, root + " is empty");
    }

    // Never worse than degraded: where nothing can be written viewers play on, and a balancer that took the server off would end that too.
    private static (HealthState, string) Data(string dir)
    {
        try
        {
            var probe = Path.Combine(dir, ".probe");
            File.WriteAllText(probe, "");
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (HealthState.Degraded, "cannot be written: " + e.Message);
        }
        return (HealthState.Healthy, dir);
    }

    // As with data: who plays needs it for nothing.
    private static (HealthState, string) DatabaseState(Database db)
    {
        if (db.Away is { } away)
            return (HealthState.Degraded, away.Message);
        try
        {
            db.First("SELECT 1", static row => row.Int64(0));
            return (HealthState.Healthy, db.Kind);
        }
        catch (DatabaseException fault)
        {
            return (HealthState.Degraded, fault.Message);
        }
    }

    private static (HealthState, string) Store(StoreStatus status, string well) => status.IsDegraded ? (HealthState.Degraded, status.Reason) : (HealthState.Healthy, well);

    private static (HealthState, string) Redis(RedisSessionStore store) => Store(store.Status, $"answers within {Math.Ceiling(store.LatencyMs)} ms");

    // Where all are as busy, a balancer that took them off would leave none.
    private static (HealthState, string) Processors(ProcessorLoad load)
    {
        load.Look();
        var s = load.Shares;
        var said = $"this process {Percent(s.Process)} of {Environment.ProcessorCount}";
        if (s.Machine is { } machine)
            said += $", the machine {Percent(machine)}";
        if (s.Group is { } group)
            said += string.Create(CultureInfo.InvariantCulture, $", the control group {Percent(group)} of its quota of {s.Quota:0.##}");
        return (load.IsBusy ? HealthState.Degraded : HealthState.Healthy, $"{said}, over {s.Over.TotalSeconds:0} s");
    }

    private static string Percent(double share) => $"{100 * share:0} %";

    private static (HealthState, string) Reports(Reporter reporter)
    {
        var trouble = string.Join("; ", new[]
        {
            reporter.Trouble is { } said ? $"reports are not taken by {reporter.Receiver} ({said}); they wait in the outbox" : null,
            reporter.Parked is > 0 and var parked ? $"{parked} reports were refused and are parked" : null,
        }.Where(static t => t is not null));
        return trouble.Length > 0 ? (HealthState.Degraded, trouble) : (HealthState.Healthy, reporter.IsConfigured ? reporter.Receiver : "traffic.report_url is not set");
    }

    private static (HealthState, string) Traffic(Ledger ledger, UserMeters meters)
    {
        // Viewers play on whatever becomes of the ledger, so it is never worse than degraded: a balancer would send them away for nothing.
        var trouble = new[]
        {
            ledger.Fault is { } fault ? "the ledger cannot be written, the counters go on: " + fault : null,
            meters.Trouble,
            meters.Overflow.Bytes > 0 ? $"{meters.Overflow.Bytes} bytes of users beyond {meters.Most} at a time are in no report" : null,
            ledger.IsHeld ? "the outbox is full: what it would hold waits in the ledger" : null,
            ledger.Difference != 0 ? $"the ledger's books differ by {ledger.Difference} bytes" : null,
        }.Where(t => t is not null).ToList();
        return trouble.Count > 0 ? (HealthState.Degraded, string.Join("; ", trouble)) : (HealthState.Healthy, $"users counted: {meters.Count}");
    }

    // Who watches and who publishes goes on, by hooks.on_silence.
    private static (HealthState, string) Hooks(HookSender sender, HookEndpoint endpoint)
    {
        var trouble = new[]
        {
            sender.Fault is { } fault ? "the spool cannot be used: " + fault : null,
            sender.IsConfigured && endpoint.IsSilent ? $"{sender.Receiver} does not answer ({endpoint.Trouble})" : null,
            sender.Dead is > 0 and var dead ? $"{dead} events were given up" : null,
        }.Where(t => t is not null).ToList();
        return trouble.Count > 0 ? (HealthState.Degraded, string.Join("; ", trouble))
            : (HealthState.Healthy, sender.IsConfigured ? sender.Receiver : "hooks.url is not set");
    }

    private static (HealthState, string) ProxyLogs(ByteLogs logs) => logs.Fault is { } fault
        ? (HealthState.Degraded, fault + "; what viewers took of the proxy waits there")
        : (HealthState.Healthy, $"{logs.Unread} bytes are not read yet");

    // Films come from memory and the origin meanwhile.
    private static (HealthState, string) CacheDisk(DiskCache disk) => disk.Fault is { } fault
        ? (HealthState.Degraded, $"cache.dir {disk.Files.Root}: {fault}; nothing is kept there meanwhile: make room on it or mend it, it is tried again every 10 s")
        : (HealthState.Healthy, $"{disk.Files.Root}: {disk.Index.Used >> 20} of {disk.Index.Limit >> 20} MiB");

    internal static (HealthState, string) Origins(OriginClient origins)
    {
        var failing = origins.Servers.Where(static s => s.Breaker.State != BreakerState.Closed).Select(static s => $"{s.Name} ({s.LastFault})").ToList();
        if (failing.Count == 0)
            return (HealthState.Healthy, $"{origins.Servers.Count} of {origins.Servers.Count} are asked");
        var said = $"not asked until a probe is answered: {string.Join(", ", failing)}";
        return (failing.Count == origins.Servers.Count ? HealthState.Unhealthy : HealthState.Degraded, said);
    }

    private static (HealthState, string) Connections(int open, int most) =>
        (open > most - most / 10 ? HealthState.Degraded : HealthState.Healthy, $"{open} of {most}");

    private static (HealthState, string) Certificate(Certificates certificates, DateTimeOffset now)
    {
        if (certificates.Fault is { } fault)
            return (HealthState.Degraded, fault + "; the old certificate is served on");
        if (certificates.Expires is not { } expires)
            return (HealthState.Degraded, "none");
        var days = (int)(expires - now).TotalDays;
        if (expires <= now)
            return (HealthState.Degraded, $"{certificates.Subject} expired {expires:u}: renew it, the new file is picked up by itself");
        // Renewers begin a month before the end; one who has not come by the last week will not.
        return (days < 7 ? HealthState.Degraded : HealthState.Healthy, $"{certificates.Subject} expires in {days} days");
    }

    private static (HealthState, string) Free(SpareDescriptors spare) => spare.Exhausted
        ? (HealthState.Unhealthy, $"none left; {spare.TurnedAway} connections were closed unheard, {spare.Lent} spares lent to files")
        : (HealthState.Healthy, spare.TurnedAway == 0 ? "enough" : $"enough again; {spare.TurnedAway} connections were closed unheard");

    private static (HealthState, string) Memory(Overload overload)
    {
        var said = $"{overload.Heap.Used >> 20} of {overload.Heap.Limit >> 20} MiB of the heap";
        if (overload.Memory.Limit > 0)
            said = $"{overload.Memory.Used >> 20} of {overload.Memory.Limit >> 20} MiB of the control group, {said}";
        return overload.Load switch
        {
            Load.Normal => (HealthState.Healthy, said),
            Load.Shedding => (HealthState.Degraded, said + "; new viewers are refused"),
            _ => (HealthState.Unhealthy, said + "; new connections are closed"),
        };
    }

    private static (HealthState, string) Live(LiveStreams streams, LiveRoom room)
    {
        var said = $"{streams.Count} streams in {streams.AllBytes >> 20} of {room.MostBytes >> 20} MiB";
        return room.WhyFull() is { } why ? (HealthState.Degraded, $"{said}; new publishers are refused: {why}") : (HealthState.Healthy, said);
    }

    private static (HealthState, string) Loops(Supervisor supervisor, Lifeline lifeline)
    {
        if (lifeline.Reason is { } end)
            return (HealthState.Unhealthy, end);
        var trouble = string.Join("; ", supervisor.Loops.Select(l => l.Trouble).Where(t => t is not null));
        return trouble.Length > 0 ? (HealthState.Degraded, trouble) : (HealthState.Healthy, $"{supervisor.Loops.Count} run");
    }
}
