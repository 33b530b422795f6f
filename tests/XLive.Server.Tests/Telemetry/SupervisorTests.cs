using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Operations.Health;
using XLive.Server.Operations.Metrics;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Telemetry;

/// <summary>No part dies without a word: what throws is begun anew within a second, counted, and seen in health.</summary>
public sealed class SupervisorTests
{
    [Fact]
    public async Task Every_loop_of_the_server_survives_a_failure()
    {
        await using var server = await TestServer.StartAsync();
        server.Write("film/a.ts", [1, 2, 3]);
        var supervisor = server.Get<Supervisor>();
        string[] expected = ["log xlive.log", "log error.log", "log access.log", "log audit.log", "log console", "socket waiter", "memory", "sessions", "rtmp",
            "signing keys", "health", "health media", "health data", "health disk", "health database", "health connections", "health cpu", "health logs", "settings", "silence",
            "database", "traffic reports", "traffic counters", "traffic ledger", "traffic history", "quotas", "hooks", "live playlists", "stream keys", "api tokens", "pulls", "forwards", "ladders", "telemetry",
            .. Enumerable.Range(1, Environment.ProcessorCount).Select(static i => $"live {i}")];
        List<string> names = [];
        Until.True(() =>
        {
            // What the host runs in the background begins a moment after the ports are open.
            names = [.. supervisor.Loops.Select(l => l.Name)];
            return expected.All(names.Contains);
        }, "all loops run: " + string.Join(", ", expected));
        // A loop that is new must be told here, so that somebody has thought of how it is woken and broken.
        Assert.All(names, name => Assert.True(expected.Contains(name) || name.StartsWith("port ", StringComparison.Ordinal)
            || name.StartsWith("watch of port ", StringComparison.Ordinal) || name.StartsWith("files ", StringComparison.Ordinal), name));

        // Several at a time: each waits a second before it goes on.
        foreach (var some in supervisor.Loops.Where(static l => l.Name != "sessions" && !l.Name.StartsWith("files ", StringComparison.Ordinal)).Chunk(6))
        {
            var before = some.Select(static l => l.Restarts).ToArray();
            foreach (var loop in some)
                loop.FailNext(new InvalidOperationException("broken on purpose"));
            var which = string.Join(", ", some.Select(static l => l.Name));
            Until.True(() =>
            {
                // A turn for those who only move when there is work.
                Wake(server);
                return some.Zip(before).All(static l => l.First.Restarts == l.Second + 1);
            }, which + " fail", TimeSpan.FromSeconds(10));
            Until.True(() =>
            {
                Wake(server);
                return some.All(static l => l.SinceBeat < TimeSpan.FromSeconds(2) && l.Trouble?.Contains("broken on purpose", StringComparison.Ordinal) == true);
            }, which + " go on", TimeSpan.FromSeconds(10));
        }
        var health = server.Get<HealthChecks>();
        var entry = Assert.Single(health.Entries, e => e.Name == "loops");
        Assert.Equal(HealthState.Degraded, entry.State);
        Assert.Contains("socket waiter failed", entry.Detail, StringComparison.Ordinal);
        Assert.Contains("broken on purpose", server.Log(), StringComparison.Ordinal);
        Assert.Equal(200, server.Fetch("/film/a.ts").Status);
    }

    private static void Wake(TestServer server)
    {
        // A connection for the port, and a line for every log.
        try
        {
            server.Fetch("/film/a.ts");
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or IOException or Xunit.Sdk.XunitException)
        {
            // The one that the port's failure befell.
        }
        server.Get<OtlpSender>().Wake();
        server.Get<AuditLog>().Refused("test", null, null, "/");
        server.Get<LogFiles>().Errors.Write("line\n"u8);
        server.Get<LogFiles>().Main.Write("line\n"u8);
        server.Get<LogFiles>().Console.Write("line\n"u8);
    }

    [Fact]
    public void A_loop_that_does_not_end_its_work_is_seen()
    {
        var clock = new StoppedClock();
        var supervisor = new Supervisor(clock);
        using var loop = supervisor.Watch("worker");
        loop.Beat();
        clock.Pass(TimeSpan.FromSeconds(59));
        Assert.Null(loop.Trouble);
        clock.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal("worker has not moved for 61 s", loop.Trouble);
        loop.Rest();
        clock.Pass(TimeSpan.FromHours(1));
        Assert.Null(loop.Trouble);
    }

    [Fact]
    public void A_look_that_is_due_and_does_not_come_is_seen()
    {
        var clock = new StoppedClock();
        using var loop = new Supervisor(new TimersThatNeverCome(clock)).Every("look", TimeSpan.FromSeconds(2), () => { });
        clock.Pass(TimeSpan.FromSeconds(61));
        Assert.Null(loop.Trouble);
        clock.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal("look has not moved for 63 s", loop.Trouble);
    }

    [Fact]
    public void A_failure_is_forgiven_after_a_minute()
    {
        var clock = new StoppedClock();
        using var loop = new Supervisor(clock).Watch("worker");
        Assert.Equal(TimeSpan.FromMilliseconds(50), loop.Failed(new IOException("x")));
        // The pause grows and stays within what is promised.
        for (var i = 0; i < 20; i++)
            Assert.InRange(loop.Failed(new IOException("x")), TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1));
        Assert.Equal("worker failed (IOException: x) and was started again, 21 times since the start", loop.Trouble);
        clock.Pass(TimeSpan.FromSeconds(61));
        Assert.Null(loop.Trouble);
        Assert.Equal(TimeSpan.FromMilliseconds(50), loop.Failed(new IOException("x")));
    }

    private sealed class TimersThatNeverCome(TimeProvider clock) : TimeProvider
    {
        public override long GetTimestamp() => clock.GetTimestamp();
        public override long TimestampFrequency => clock.TimestampFrequency;
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Never();

        private sealed class Never : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;
            public void Dispose() { }
            public ValueTask DisposeAsync() => default;
        }
    }
}
