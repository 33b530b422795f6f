using Microsoft.Extensions.Logging.Abstractions;
using XLive.Server.Door;
using XLive.Server.Operations.Health;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Gate;

/// <summary>What is said of checks that do not come back, or fail.</summary>
public sealed class HealthTests
{
    [Fact]
    public void A_check_that_hangs_is_unhealthy_after_five_seconds_and_holds_up_no_other()
    {
        var clock = new HandClock();
        clock.Pass(TimeSpan.FromSeconds(1)); // no process looks at the very beginning of its clock
        using var free = new ManualResetEventSlim();
        var looks = 0;
        using var checks = new HealthChecks(
        [
            new("hanging", () =>
            {
                Interlocked.Increment(ref looks);
                free.Wait(TestContext.Current.CancellationToken);
                return (HealthState.Healthy, "back");
            }),
            new("failing", () => throw new IOException("no such disk")),
            new("well", () => (HealthState.Healthy, "fine")),
        ], new Drain(new DoorOptions(), clock), new Supervisor(clock), clock, NullLogger<HealthChecks>.Instance);
        checks.Start();
        Until.True(() => Volatile.Read(ref looks) == 1 && Detail("well") == "fine" && Detail("failing") == "no such disk", "looked at");
        Assert.Equal(HealthState.Unhealthy, Entry("failing").State);
        Assert.Equal((HealthState.Healthy, "not looked at yet"), (Entry("hanging").State, Detail("hanging")));

        clock.Pass(TimeSpan.FromSeconds(6));
        Assert.Equal((HealthState.Unhealthy, "has not answered for 6 s"), (Entry("hanging").State, Detail("hanging")));
        Assert.Equal(HealthState.Healthy, Entry("well").State);
        clock.Pass(TimeSpan.FromSeconds(60));
        // Whatever the time, it is asked once.
        Assert.Equal(1, Volatile.Read(ref looks));

        free.Set();
        Until.True(() => Detail("hanging") == "back", "back");
        Assert.Equal(HealthState.Healthy, Entry("hanging").State);

        HealthEntry Entry(string name) => checks.Entries.Single(e => e.Name == name);
        string Detail(string name) => Entry(name).Detail;
    }
}
