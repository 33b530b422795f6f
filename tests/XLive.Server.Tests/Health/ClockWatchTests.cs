using XLive.Server.Operations.Health;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Health;

public sealed class ClockWatchTests
{
    private readonly HandClock _clock = new();
    private bool? _isSynchronized;

    private ClockWatch Watch() => new(_clock, () => _isSynchronized);

    [Theory]
    [InlineData(3600, "was set 3600 s ahead")]
    [InlineData(-90, "was set 90 s back")]
    public void Who_sets_it_is_told_of_for_a_minute(int seconds, string said)
    {
        var watch = Watch();
        Assert.Equal((HealthState.Healthy, "steady"), watch.Look());
        _clock.Pass(TimeSpan.FromDays(3));
        Assert.Equal(HealthState.Healthy, watch.Look().Item1);
        _clock.Step(TimeSpan.FromSeconds(seconds));
        var (state, detail) = watch.Look();
        Assert.Equal(HealthState.Degraded, state);
        Assert.StartsWith(said, detail, StringComparison.Ordinal);
        _clock.Pass(TimeSpan.FromSeconds(59));
        Assert.Equal(HealthState.Degraded, watch.Look().Item1);
        _clock.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal((HealthState.Healthy, 1), (watch.Look().Item1, watch.Jumps));
    }

    [Fact]
    public void Steps_below_a_second_are_not_worth_a_word()
    {
        var watch = Watch();
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(HealthState.Healthy, watch.Look().Item1);
            _clock.Step(TimeSpan.FromSeconds(0.9));
        }
        Assert.Equal(0, watch.Jumps);
    }

    [Fact]
    public void A_thread_that_waits_between_both_clocks_sees_no_jump()
    {
        var slow = new SlowClock();
        var watch = new ClockWatch(slow, static () => null);
        watch.Look();
        slow.Late = 3;
        Assert.Equal(HealthState.Healthy, watch.Look().Item1);
        Assert.Equal((0, 0), (watch.Jumps, slow.Late));
    }

    [Fact]
    public void Where_nobody_ever_kept_it_right_nothing_is_wrong()
    {
        _isSynchronized = false;
        var watch = Watch();
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(HealthState.Healthy, watch.Look().Item1);
            _clock.Pass(TimeSpan.FromDays(1));
        }
        Assert.False(watch.IsSynchronized);
    }

    [Fact]
    public void Who_kept_it_right_and_does_no_more_is_missed_until_he_is_back()
    {
        _isSynchronized = true;
        var watch = Watch();
        Assert.Equal((HealthState.Healthy, "steady, and synchronised"), watch.Look());
        // A kernel that is silent for once has said nothing.
        _isSynchronized = null;
        Assert.Equal(HealthState.Healthy, watch.Look().Item1);
        _isSynchronized = false;
        _clock.Pass(TimeSpan.FromDays(1));
        Assert.Equal(HealthState.Degraded, watch.Look().Item1);
        _isSynchronized = true;
        Assert.Equal(HealthState.Healthy, watch.Look().Item1);
    }

    [Fact]
    public void The_kernel_is_asked_and_nothing_is_set()
    {
        var before = DateTimeOffset.UtcNow;
        _ = KernelClock.IsSynchronized();
        Assert.InRange(DateTimeOffset.UtcNow - before, TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    /// <summary>Between its two clocks a thread is held up, so many times.</summary>
    private sealed class SlowClock : TimeProvider
    {
        private long _ticks;

        public int Late { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public override DateTimeOffset GetUtcNow()
        {
            if (Late > 0)
            {
                Late--;
                _ticks += TimeSpan.TicksPerSecond * 5;
            }
            return new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(_ticks);
        }
    }
}
