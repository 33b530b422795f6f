using XLive.Server.Telemetry;

namespace XLive.Server.Tests.Architecture;

/// <summary>Whatever runs beside the requests runs under the supervisor. Found in the compiled code, so none can hide.</summary>
public sealed class SupervisionTests
{
    private static readonly string[] Starters =
    [
        "Thread..ctor", "Timer..ctor", "PeriodicTimer..ctor", "TimeProvider.CreateTimer", "Task.Run", "TaskFactory.StartNew",
        "ThreadPool.QueueUserWorkItem", "ThreadPool.UnsafeQueueUserWorkItem", "ThreadPool.RegisterWaitForSingleObject",
    ];

    /// <summary>Where something is started all the same, and who would notice its end.</summary>
    private static readonly Dictionary<string, string> Known = new(StringComparer.Ordinal)
    {
        ["Supervisor: Thread..ctor"] = "the supervisor's own",
        ["Supervisor: TimeProvider.CreateTimer"] = "the supervisor's own",
        ["FileThreads: Thread..ctor"] = "come and go with the work; a failure is told to the supervisor and ends nothing but that work",
        ["HistoryLoop: PeriodicTimer..ctor"] = "runs under the supervisor",
        ["ServerSettings: PeriodicTimer..ctor"] = "stands above the supervisor; SettingsWatch runs it under it",
        ["SharedLimits: PeriodicTimer..ctor"] = "runs under the supervisor",
        ["SocketOutput: ThreadPool.UnsafeQueueUserWorkItem"] = "one step of one send",
        ["LiveStream: TimeProvider.CreateTimer"] = "one step: ends a stream whose publisher stays away",
        ["Pulse: TimeProvider.CreateTimer"] = "one step: wakes who waits, as the next frame does",
        ["BlockedRequests: ThreadPool.UnsafeQueueUserWorkItem"] = "one step: answers some who waited for a part",
        ["Database: Task.Run"] = "awaited by who asked",
        ["OpenConnections: ThreadPool.UnsafeQueueUserWorkItem"] = "one step; the sweep under the supervisor begins it anew",
        ["Passwords: Task.Run"] = "awaited by who asked",
        ["TrafficLoops: Task.Run"] = "the last cut, awaited by the host",
        ["Users: Task.Run"] = "awaited by who asked",
        ["Rehearsal: Task.Run"] = "over before the ports open",
    };

    [Fact]
    public void Nothing_runs_unseen()
    {
        var found = Found(typeof(Program).Assembly.GetTypes());
        Assert.Equal(Known.Keys.Order(StringComparer.Ordinal), found);
    }

    [Fact]
    public void A_thread_and_a_timer_of_ones_own_are_found() =>
        Assert.Equal(["Unseen: Thread..ctor", "Unseen: TimeProvider.CreateTimer"], Found(TypeUses.WithNested(typeof(Unseen))));

    private static string[] Found(IEnumerable<Type> types) =>
    [
        .. types.SelectMany(TypeUses.Of)
            .Where(u => u.Member is not null)
            .Select(u => (Type: Outermost(u.From), Call: u.Member!.DeclaringType?.Name + "." + u.Member.Name))
            .Where(u => Starters.Contains(u.Call))
            .Select(u => $"{u.Type.Name.Split('`')[0]}: {u.Call}")
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;
}

internal sealed class Unseen
{
    public void Start() => new Thread(static () => { }).Start();

    public ITimer Look(TimeProvider clock) => clock.CreateTimer(static _ => { }, null, default, default);
}
