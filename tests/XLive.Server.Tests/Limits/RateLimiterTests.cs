using System.Net;
using XLive.Server.Limits;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Limits;

public sealed class RateLimiterTests
{
    private static readonly LimitKey Somebody = LimitKey.Of(IPAddress.Parse("192.0.2.1"));

    private readonly HandClock _clock = new();

    private RateLimiter Of(params RateLimit[] limits) => new(_clock, () => limits);

    [Fact]
    public void Count_and_burst_at_once_then_count_a_window()
    {
        var limiter = Of(new RateLimit { Window = TimeSpan.FromSeconds(10), Count = 2, Burst = 1 });
        for (var i = 0; i < 3; i++)
            Assert.Null(limiter.Take(LimitBy.Ip, Somebody));
        Assert.Equal(TimeSpan.FromSeconds(5), limiter.Take(LimitBy.Ip, Somebody));
        Assert.Null(limiter.Take(LimitBy.Ip, LimitKey.Of(IPAddress.Parse("192.0.2.2"))));
        Assert.Null(limiter.Take(LimitBy.Uid, LimitKey.Of("somebody")));
        _clock.Pass(TimeSpan.FromSeconds(5));
        Assert.Null(limiter.Take(LimitBy.Ip, Somebody));
        Assert.NotNull(limiter.Take(LimitBy.Ip, Somebody));
        Assert.Equal(2, limiter.Refused);
    }

    [Fact]
    public void A_household_is_one()
    {
        var limiter = Of(new RateLimit { Count = 1 });
        Assert.Null(limiter.Take(LimitBy.Ip, LimitKey.Of(IPAddress.Parse("2001:db8:0:1::1"))));
        Assert.NotNull(limiter.Take(LimitBy.Ip, LimitKey.Of(IPAddress.Parse("2001:db8:0:1:ffff::2"))));
        Assert.Null(limiter.Take(LimitBy.Ip, LimitKey.Of(IPAddress.Parse("2001:db8:0:2::1"))));
        Assert.Null(limiter.Take(LimitBy.Ip, Somebody));
        Assert.NotNull(limiter.Take(LimitBy.Ip, LimitKey.Of(IPAddress.Parse("::ffff:192.0.2.1"))));
    }

    [Fact]
    public void Strangers_take_no_more_memory_than_is_theirs()
    {
        var limiter = Of(new RateLimit { Window = TimeSpan.FromHours(1), Count = 1, By = LimitBy.Stream });
        for (var i = 0; i < 3 * RateLimiter.MostKeys; i++)
            limiter.Take(LimitBy.Stream, LimitKey.Of("live/" + i));
        Assert.InRange(limiter.Keys, RateLimiter.MostKeys / 2, RateLimiter.MostKeys);
    }
}
