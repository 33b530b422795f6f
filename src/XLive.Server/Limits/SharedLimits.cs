using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Hosting;
using XLive.Server.Storage.Redis;
using XLive.Server.Telemetry;

namespace XLive.Server.Limits;

/// <summary>
/// What nodes over one Redis tell each other of the attempts that they counted. Each judges from its own memory, so that nobody waits for Redis, and four times a second
/// adds what came to a sum of all, which it takes over. A crowd that asks all nodes at once gets a limit's worth from each before they have heard of each other, and pays for
/// it with as many windows. With Redis gone each counts for itself.
/// </summary>
internal sealed class SharedLimits(RedisClient client, RateLimiters limiters, byte[] secret, Supervisor supervisor, TimeProvider clock) : BackgroundService
{
    private const string Name = RedisClient.Prefix + "{limits}";
    private const int Batch = 500;

    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(250);

    // A set of buckets by when they are full again, in microseconds of Redis' own clock: those that are go by themselves. More strangers than places: who has least outstanding goes.
    private static readonly RedisScript Add = new("""
        local t = redis.call('TIME')
        local now = t[1] * 1000000 + t[2]
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
        local outstanding = {}
        for i = 2, #ARGV, 2 do
          local full = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or now) + ARGV[i + 1]
          redis.call('ZADD', KEYS[1], string.format('%.0f', full), ARGV[i])
          outstanding[#outstanding + 1] = string.format('%.0f', full - now)
        end
        local more = redis.call('ZCARD', KEYS[1]) - ARGV[1]
        if more > 0 then redis.call('ZREMRANGEBYRANK', KEYS[1], 0, more - 1) end
        redis.call('PEXPIRE', KEYS[1], 172800000)
        return outstanding
        """);

    private const long Most = 1_000_000;

    private readonly List<(RateLimit Limit, LimitKey Key, TimeSpan Took)> _untold = [];
    private long _failures;

    /// <summary>Times that Redis was not to be had, or did not take it: what was counted then counts here alone.</summary>
    public long Failures => Volatile.Read(ref _failures);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var (_, limiter) in limiters.All)
            limiter.IsShared = true;
        return base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => supervisor.RunAsync("limits", async loop =>
    {
        using var timer = new PeriodicTimer(Turn, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            loop.Beat();
            await TurnAsync();
            loop.Rest();
        }
    }, stoppingToken);

    internal async Task TurnAsync()
    {
        foreach (var (name, limiter) in limiters.All)
        {
            _untold.Clear();
            limiter.Untold(_untold);
            for (var from = 0; from < _untold.Count; from += Batch)
                await TellAsync(name, limiter, _untold.GetRange(from, Math.Min(Batch, _untold.Count - from)));
        }
    }

    private async Task TellAsync(string name, RateLimiter limiter, List<(RateLimit Limit, LimitKey Key, TimeSpan Took)> untold)
    {
        var words = new List<RedisWord>(1 + untold.Count * 2) { Most };
        foreach (var (limit, key, took) in untold)
        {
            words.Add(MemberOf(name, limit, key));
            words.Add((long)took.TotalMicroseconds);
        }
        var at = clock.GetTimestamp();
        var answer = await client.EvalAsync(Add, [Name], [.. words]);
        if (answer.Items.Count != untold.Count)
        {
            Interlocked.Increment(ref _failures);
            return;
        }
        for (var i = 0; i < untold.Count; i++)
            limiter.Learn(untold[i].Limit, untold[i].Key, TimeSpan.FromMicroseconds(Math.Max(0, answer.Items[i].Number)), at);
    }

    /// <summary>On all nodes. False: on this one alone.</summary>
    public async Task<bool> ForgetAsync(string name, IReadOnlyList<(RateLimit Limit, LimitKey Key)> cleared)
    {
        var done = true;
        for (var from = 0; from < cleared.Count; from += Batch)
        {
            RedisWord[] words = ["ZREM", Name, .. cleared.Skip(from).Take(Batch).Select(c => (RedisWord)MemberOf(name, c.Limit, c.Key))];
            done &= !(await client.SendAsync(Name, words)).IsError;
        }
        return done;
    }

    // Neither an address nor a uid stands in Redis, and nodes of another service share nothing.
    private byte[] MemberOf(string name, RateLimit limit, in LimitKey key)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{name} {limit.Window.Ticks} {limit.Count} {limit.Burst} {limit.By} {key.Network:x} {key.IsSix} {key.Name}");
        return HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(text))[..16];
    }
}
