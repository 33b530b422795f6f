using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Origin;

/// <summary>When an origin is not asked, and when it is again. The clock is the test's.</summary>
public sealed class BreakerTests
{
    private readonly HandClock _clock = new();

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    [Fact]
    public void Five_connections_in_a_row_that_are_not_made_open_it()
    {
        var breaker = new Breaker(_clock);
        for (var i = 0; i < 4; i++)
            breaker.Bad(whileConnecting: true);
        breaker.Good();
        for (var i = 0; i < 4; i++)
            breaker.Bad(whileConnecting: true);
        breaker.Bad(whileConnecting: false);
        for (var i = 0; i < 4; i++)
            breaker.Bad(whileConnecting: true);
        Assert.Equal(BreakerState.Closed, breaker.State);
        breaker.Bad(whileConnecting: true);
        Assert.Equal((BreakerState.Open, 1), (breaker.State, breaker.Opened));
    }

    [Theory]
    [InlineData(10, 10, true)]
    [InlineData(11, 10, false)]
    [InlineData(0, 19, false)]
    [InlineData(0, 20, true)]
    [InlineData(1000, 999, false)]
    public void Half_of_twenty_answers_that_fail_open_it(int good, int bad, bool opens)
    {
        var breaker = new Breaker(_clock);
        for (var i = 0; i < good; i++)
            breaker.Good();
        for (var i = 0; i < bad; i++)
            breaker.Bad(whileConnecting: false);
        Assert.Equal(opens ? BreakerState.Open : BreakerState.Closed, breaker.State);
    }

    [Fact]
    public void What_was_ten_seconds_ago_says_nothing()
    {
        var breaker = new Breaker(_clock);
        for (var i = 0; i < 19; i++)
            breaker.Bad(whileConnecting: false);
        _clock.Pass(Seconds(Breaker.Window));
        breaker.Bad(whileConnecting: false);
        Assert.Equal(BreakerState.Closed, breaker.State);
        for (var i = 0; i < 19; i++)
        {
            _clock.Pass(Seconds(0.4));
            breaker.Bad(whileConnecting: false);
        }
        Assert.Equal(BreakerState.Open, breaker.State);
    }

    [Fact]
    public void One_may_try_every_two_seconds_and_what_becomes_of_it_decides()
    {
        var seen = new List<BreakerState>();
        var breaker = new Breaker(_clock) { Changed = seen.Add };
        Open(breaker);
        Assert.False(breaker.TryTrial());
        _clock.Pass(Seconds(1.9));
        Assert.False(breaker.TryHalfOpen());
        _clock.Pass(Seconds(0.1));
        Assert.True(breaker.TryHalfOpen());
        Assert.True(breaker.TryTrial());
        Assert.False(breaker.TryTrial());
        breaker.Bad(whileConnecting: false);
        Assert.Equal(BreakerState.Open, breaker.State);
        Assert.False(breaker.TryHalfOpen());
        // What an open one's stragglers bring decides nothing.
        breaker.Good();
        Assert.Equal(BreakerState.Open, breaker.State);
        _clock.Pass(Seconds(2));
        Assert.True(breaker.TryHalfOpen());
        // Nobody decided, and another may try.
        Assert.True(breaker.TryTrial());
        Assert.True(breaker.TryHalfOpen());
        Assert.True(breaker.TryTrial());
        breaker.Good();
        Assert.Equal(BreakerState.Closed, breaker.State);
        Assert.False(breaker.TryHalfOpen());
        // What it did before is forgotten.
        breaker.Bad(whileConnecting: false);
        Assert.Equal(BreakerState.Closed, breaker.State);
        Assert.Equal([BreakerState.Open, BreakerState.HalfOpen, BreakerState.Open, BreakerState.HalfOpen, BreakerState.Closed], seen);
    }

    [Fact]
    public void A_budget_is_a_share_of_what_is_asked_and_a_little_for_the_quiet()
    {
        var budget = new Budget(0.2, 10, _clock);
        for (var i = 0; i < 10; i++)
            Assert.True(budget.TryTake());
        Assert.False(budget.TryTake());
        for (var i = 0; i < 100; i++)
            budget.Asked();
        Assert.Equal(20, Taken(budget));
        _clock.Pass(Seconds(5));
        Assert.Equal(5, Taken(budget));
        _clock.Pass(Seconds(5000));
        Assert.Equal(10, Taken(budget));
        for (var i = 0; i < 100_000; i++)
            budget.Asked();
        Assert.Equal(100, Taken(budget));
        Assert.Equal(5, budget.Refused);
    }

    [Fact]
    public void Percentiles_are_of_the_last_minutes()
    {
        var latency = new OriginLatency(_clock);
        for (var i = 0; i < 19; i++)
            latency.Took(TimeSpan.FromMilliseconds(10));
        _clock.Pass(Seconds(2));
        Assert.Null(latency.P95);
        for (var i = 0; i < 81; i++)
            latency.Took(TimeSpan.FromMilliseconds(i < 74 ? 10 : 300));
        _clock.Pass(Seconds(2));
        Assert.InRange(latency.P95!.Value.TotalMilliseconds, 250, 375);
        Assert.InRange(latency.Percentile(0.5), 8, 12.5);
        Assert.Equal((100L, 7L), (latency.Classes.Sum(), latency.Classes[8] + latency.Classes[9]));
        for (var i = 0; i < 3; i++)
        {
            _clock.Pass(Seconds(61));
            latency.Took(TimeSpan.FromMilliseconds(1));
        }
        Assert.Null(latency.P95);
        Assert.InRange(latency.Percentile(0.99), 0.8, 1.3);
    }

    private static int Taken(Budget budget)
    {
        var taken = 0;
        while (budget.TryTake())
            taken++;
        return taken;
    }

    private static void Open(Breaker breaker)
    {
        for (var i = 0; i < Breaker.MostRefused; i++)
            breaker.Bad(whileConnecting: true);
    }
}
