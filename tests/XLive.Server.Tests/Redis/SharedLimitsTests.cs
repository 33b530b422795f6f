using System.Text;
using XLive.Server.Limits;
using XLive.Server.Storage.Redis;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Redis;

/// <summary>Nodes that count attempts, and tell each other over a real Redis. The windows are hours: no clock matters.</summary>
public sealed class SharedLimitsTests : IDisposable
{
    private static readonly RateLimit Ten = new() { Count = 8, Burst = 2, Window = TimeSpan.FromHours(1), By = LimitBy.Uid };
    private static readonly LimitKey Anna = LimitKey.Of("anna");

    private readonly RedisProcess _redis = RedisProcess.Start();

    public void Dispose() => _redis.Dispose();

    private sealed class CountingNode : IDisposable
    {
        private readonly RedisClient _client;

        public CountingNode(RedisProcess redis, string secret = "one-service-secret")
        {
            Assert.Null(RedisUrl.Parse(redis.Url, out var target));
            var supervisor = new Supervisor(TimeProvider.System);
            _client = new RedisClient(target, supervisor, TimeProvider.System);
            _client.Start();
            Until.True(() => _client.Connected == 1, "connected");
            var limiters = new RateLimiters(TimeProvider.System);
            Limiter = limiters.Make("requests", static () => [Ten]);
            Limiter.IsShared = true;
            Shared = new SharedLimits(_client, limiters, Encoding.UTF8.GetBytes(secret), supervisor, TimeProvider.System);
        }

        public RateLimiter Limiter { get; }
        public SharedLimits Shared { get; }

        /// <summary>How many of these attempts may go on.</summary>
        public int Take(int attempts, LimitKey? key = null) => Enumerable.Range(0, attempts).Count(_ => Limiter.Take(LimitBy.Uid, key ?? Anna) is null);

        public void Dispose()
        {
            Shared.Dispose();
            _client.Dispose();
        }
    }

    [Fact]
    public async Task What_one_counted_holds_at_the_other_and_nothing_is_counted_twice()
    {
        using var one = new CountingNode(_redis);
        using var other = new CountingNode(_redis);
        Assert.Equal(6, one.Take(6));
        await one.Shared.TurnAsync();
        Assert.Equal(3, other.Take(3));
        await other.Shared.TurnAsync();
        // Nine are known there; nothing was told twice.
        await one.Shared.TurnAsync();
        await other.Shared.TurnAsync();
        Assert.Equal(1, other.Take(5));
        await other.Shared.TurnAsync();
        // The first hears of the others' with his next, and that was one too many.
        Assert.Equal(1, one.Take(1));
        await one.Shared.TurnAsync();
        Assert.Equal(0, one.Take(5));
        Assert.Equal((0, 0), (one.Shared.Failures, other.Shared.Failures));
    }

    [Fact]
    public async Task Attempts_that_come_while_redis_is_asked_are_counted_too()
    {
        using var one = new CountingNode(_redis);
        using var other = new CountingNode(_redis);
        Assert.Equal(5, other.Take(5));
        await other.Shared.TurnAsync();
        Assert.Equal(2, one.Take(2));
        var turn = one.Shared.TurnAsync();
        Assert.Equal(2, one.Take(2));
        await turn;
        Assert.Equal(1, one.Take(9));
    }

    [Fact]
    public async Task Forgotten_on_all_nodes_and_nobody_s_name_is_in_redis()
    {
        using var one = new CountingNode(_redis);
        using var other = new CountingNode(_redis);
        Assert.Equal(10, one.Take(12));
        await one.Shared.TurnAsync();
        Assert.DoesNotContain("anna", _redis.Cli("ZRANGE", "xlive:{limits}", "0", "-1"), StringComparison.Ordinal);
        Assert.Equal("1", _redis.Cli("ZCARD", "xlive:{limits}").Trim());
        Assert.True(await one.Shared.ForgetAsync("requests", one.Limiter.Clear(static (_, key) => key == Anna)));
        Assert.Equal("0", _redis.Cli("ZCARD", "xlive:{limits}").Trim());
        Assert.Equal(9, other.Take(9));
        await other.Shared.TurnAsync();
        Assert.Equal(1, other.Take(2));
    }

    [Fact]
    public async Task More_keys_than_a_call_takes()
    {
        using var one = new CountingNode(_redis);
        using var other = new CountingNode(_redis);
        for (var i = 0; i < 1800; i++)
            Assert.Equal(10, one.Take(10, LimitKey.Of("u" + i)));
        await one.Shared.TurnAsync();
        Assert.Equal("1800", _redis.Cli("ZCARD", "xlive:{limits}").Trim());
        for (var i = 0; i < 1800; i++)
            Assert.Equal(1, other.Take(1, LimitKey.Of("u" + i)));
        await other.Shared.TurnAsync();
        Assert.All(Enumerable.Range(0, 1800), i => Assert.Equal(0, other.Take(1, LimitKey.Of("u" + i))));
    }

    [Fact]
    public async Task Another_service_shares_nothing_and_a_key_of_another_kind_breaks_nothing()
    {
        using var one = new CountingNode(_redis);
        using var other = new CountingNode(_redis, "another-service-secret");
        Assert.Equal(10, one.Take(10));
        await one.Shared.TurnAsync();
        Assert.Equal(1, other.Take(1));
        await other.Shared.TurnAsync();
        Assert.Equal(9, other.Take(10));
        _redis.Cli("SET", "xlive:{limits}", "no set at all");
        await other.Shared.TurnAsync();
        Assert.Equal(1, other.Shared.Failures);
    }

    [Fact]
    public async Task Without_redis_each_counts_for_itself()
    {
        using var one = new CountingNode(_redis);
        _redis.Kill();
        Assert.Equal(4, one.Take(4));
        await one.Shared.TurnAsync();
        Assert.Equal(1, one.Shared.Failures);
        Assert.Equal(6, one.Take(10));
    }
}
