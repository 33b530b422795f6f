using XLive.Server.Storage.Redis;

namespace XLive.Server.Sessions.Redis;

/// <summary>
/// The devices of each user, all nodes together: sessions by the end of their leases, by the clock of the server that keeps them, so that
/// nodes need not agree on the time. Counting and taking a place are one step.
/// </summary>
internal sealed class RedisPlaces(RedisKeys keys)
{
    // The set ends a moment after its last lease.
    private const string Ends = """
        local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
        if last[2] then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', last[2] + 1000)) end
        """;

    private const string Now = """
        local t = redis.call('TIME')
        local now = t[1] * 1000 + math.floor(t[2] / 1000)
        """;

    // session, whose place it takes or '', most, replaces, lease
    private static readonly RedisScript Enter = new($$"""
        {{Now}}
        local sid, instead, most, lease = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5])
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
        local took = instead ~= '' and redis.call('ZREM', KEYS[1], instead) == 1
        local lost = {}
        if not took and not redis.call('ZSCORE', KEYS[1], sid) then
          local over = redis.call('ZCARD', KEYS[1]) - most + 1
          if over > 0 then
            if ARGV[4] == '0' then return {0} end
            lost = redis.call('ZRANGE', KEYS[1], 0, over - 1)
            redis.call('ZREMRANGEBYRANK', KEYS[1], 0, over - 1)
            for _, other in ipairs(lost) do redis.call('ZADD', KEYS[2], now + 2 * lease, other) end
            redis.call('PEXPIRE', KEYS[2], string.format('%.0f', 2 * lease))
          end
        end
        redis.call('ZADD', KEYS[1], now + lease, sid)
        redis.call('ZREM', KEYS[2], sid)
        {{Ends}}
        table.insert(lost, 1, 1)
        return lost
        """);

    // lease, then session and how long it has been silent, over and over. Those that have lost their places are given back.
    private static readonly RedisScript Hold = new($$"""
        {{Now}}
        local lease, lost = tonumber(ARGV[1]), {}
        redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
        for i = 2, #ARGV, 2 do
          local ends = now - tonumber(ARGV[i + 1]) + lease
          if redis.call('ZSCORE', KEYS[2], ARGV[i]) then
            table.insert(lost, ARGV[i])
          elseif ends > now and ends > tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or 0) then
            redis.call('ZADD', KEYS[1], ends, ARGV[i])
          end
        end
        {{Ends}}
        return lost
        """);

    // lease, session, how long it has been silent. One that plays on at another node has a later end there.
    private static readonly RedisScript Leave = new($$"""
        {{Now}}
        local held = redis.call('ZSCORE', KEYS[1], ARGV[2])
        if held and tonumber(held) <= now - tonumber(ARGV[3]) + tonumber(ARGV[1]) + 1000 then return redis.call('ZREM', KEYS[1], ARGV[2]) end
        return 0
        """);

    public Task<RespValue> EnterAsync(SessionRecord session, SessionId? insteadOf, DeviceLimit limit) => keys.AskAsync(Enter, Of(session.Uid),
        SessionText.Name(session.Id), insteadOf is { } other ? SessionText.Name(other) : "", limit.Most, limit.Replaces ? 1 : 0, (long)limit.Lease.TotalMilliseconds);

    /// <param name="sessions">Of one user.</param>
    public Task<RespValue> HoldAsync(string uid, IEnumerable<SessionRecord> sessions, TimeSpan lease, long now)
    {
        var words = new List<RedisWord> { (long)lease.TotalMilliseconds };
        foreach (var session in sessions)
        {
            words.Add(SessionText.Name(session.Id));
            words.Add(Silence(session, now));
        }
        return keys.AskAsync(Hold, Of(uid), [.. words]);
    }

    public Task<RespValue> LeaveAsync(SessionRecord session, TimeSpan lease, long now) =>
        keys.AskAsync(Leave, Of(session.Uid)[..1], (long)lease.TotalMilliseconds, SessionText.Name(session.Id), Silence(session, now));

    private static (string, string)[] Of(string uid) => [(RedisKeys.Places(uid), "zset"), (RedisKeys.Lost(uid), "zset")];

    /// <summary>Milliseconds. Records have whole seconds: a lease may end that much earlier, never later.</summary>
    private static long Silence(SessionRecord session, long now) => Math.Max(0, now - session.SeenAt) * 1000;
}
