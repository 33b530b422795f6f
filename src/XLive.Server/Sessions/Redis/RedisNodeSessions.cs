using XLive.Server.Storage.Redis;

namespace XLive.Server.Sessions.Redis;

/// <summary>What each node writes down of its sessions, and what it reads of the others'.</summary>
internal sealed class RedisNodeSessions(RedisClient client, RedisKeys keys, string node)
{
    /// <summary>A node that has not been there for longer has no sessions.</summary>
    private static readonly TimeSpan NodeLasts = TimeSpan.FromSeconds(15);

    // Each write begins it anew, and a node that plays nothing has nothing to list.
    private static readonly TimeSpan SessionsLast = TimeSpan.FromHours(1);

    private const int MostNodes = 256;
    private const int Page = 500;

    private static readonly RedisScript Present = new("""
        local t = redis.call('TIME')
        redis.call('ZADD', KEYS[1], t[1], ARGV[1])
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', t[1] - ARGV[2])
        redis.call('EXPIRE', KEYS[1], ARGV[2])
        return 1
        """);

    // end, then name and text, over and over
    private static readonly RedisScript Write = new("""
        for i = 2, #ARGV, 2 do
          redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
          redis.call('ZADD', KEYS[2], 0, ARGV[i])
        end
        redis.call('PEXPIRE', KEYS[1], ARGV[1])
        redis.call('PEXPIRE', KEYS[2], ARGV[1])
        return 1
        """);

    private static readonly RedisScript Drop = new("""
        for i = 1, #ARGV do
          redis.call('HDEL', KEYS[1], ARGV[i])
          redis.call('ZREM', KEYS[2], ARGV[i])
        end
        return 1
        """);

    // after, most
    private static readonly RedisScript Read = new("""
        local names = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
        if #names == 0 then return {} end
        return {names, redis.call('HMGET', KEYS[1], unpack(names))}
        """);

    public Task<RespValue> PresentAsync() => keys.AskAsync(Present, [(RedisKeys.Nodes, "zset")], node, (long)NodeLasts.TotalSeconds);

    public Task<RespValue> WriteAsync(IEnumerable<SessionRecord> sessions)
    {
        var words = new List<RedisWord> { (long)SessionsLast.TotalMilliseconds };
        foreach (var session in sessions)
        {
            words.Add(SessionText.Name(session.Id));
            words.Add(SessionText.Of(session));
        }
        return keys.AskAsync(Write, Of(node), [.. words]);
    }

    public Task<RespValue> DropAsync(IEnumerable<SessionId> gone) => keys.AskAsync(Drop, Of(node), [.. gone.Select(id => (RedisWord)SessionText.Name(id))]);

    public Task<RespValue> ClearAsync() => client.SendAsync(RedisKeys.Sessions(node), "UNLINK", RedisKeys.Sessions(node), RedisKeys.Order(node));

    /// <summary>In the order of their ids; one that two nodes have is where it was seen last.</summary>
    public async Task<IReadOnlyList<SessionRecord>> ListAsync(SessionFilter filter, SessionId? after, int most)
    {
        var found = new SortedDictionary<SessionId, SessionRecord>();
        foreach (var other in await OthersAsync())
        {
            var taken = 0;
            await PagesAsync(other, after, page =>
            {
                foreach (var session in page.Where(filter.Takes))
                {
                    taken++;
                    if (!found.TryGetValue(session.Id, out var same) || same.SeenAt < session.SeenAt)
                        found[session.Id] = session;
                }
                return taken < most;
            });
        }
        return [.. found.Values.Take(most)];
    }

    public async Task<SessionRecord?> FindAsync(SessionId id)
    {
        SessionRecord? found = null;
        foreach (var other in await OthersAsync())
        {
            var answer = await client.SendAsync(RedisKeys.Sessions(other), "HGET", RedisKeys.Sessions(other), SessionText.Name(id));
            if (answer.Kind == RespKind.Bulk && SessionText.ReadSession(id, other, answer.Bytes.ToArray()) is { } session && session.SeenAt >= (found?.SeenAt ?? 0))
                found = session;
        }
        return found;
    }

    private async Task<List<string>> OthersAsync()
    {
        var answer = await client.SendAsync(RedisKeys.Nodes, "ZREVRANGE", RedisKeys.Nodes, 0, MostNodes - 1);
        return [.. answer.Items.Select(i => i.Text).Where(n => n.Length is > 0 and <= 64 && n != node)];
    }

    /// <param name="take">False: enough.</param>
    private async Task PagesAsync(string of, SessionId? after, Func<List<SessionRecord>, bool> take)
    {
        var from = after is { } id ? "(" + SessionText.Name(id) : "-";
        while (true)
        {
            var answer = await keys.AskAsync(Read, Of(of), from, Page);
            if (answer.Items is not [var names, var texts] || names.Items.Count != texts.Items.Count || names.Items.Count == 0)
                return;
            var page = new List<SessionRecord>();
            for (var i = 0; i < names.Items.Count; i++)
            {
                if (texts.Items[i].Kind == RespKind.Bulk && SessionText.TryName(names.Items[i].Text, out var sid)
                    && SessionText.ReadSession(sid, of, texts.Items[i].Bytes.ToArray()) is { } session)
                    page.Add(session);
            }
            var next = "(" + names.Items[^1].Text;
            // A server that begins anew each time would never be done.
            if (!take(page) || names.Items.Count < Page || from != "-" && string.CompareOrdinal(next, from) <= 0)
                return;
            from = next;
        }
    }

    private static (string, string)[] Of(string node) => [(RedisKeys.Sessions(node), "hash"), (RedisKeys.Order(node), "zset")];
}
