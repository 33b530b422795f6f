using System.Collections.Concurrent;
using XLive.Server.Storage.Redis;

namespace XLive.Server.Sessions.Redis;

/// <summary>
/// Revocations of all nodes: a hash of the last word on each name, and a number that every change makes another. Changes are published,
/// and the number is asked for each second: who has missed one reads the whole. After an outage both sides are laid together; of two
/// words on a name the later one holds, so what was lifted stays lifted though a node has slept through it.
/// </summary>
/// <param name="heard">Told of what others have changed, once memory has it.</param>
internal sealed class RedisRevocations(RedisClient client, RedisKeys keys, Revocations memory, Action<RevocationChange> heard, TimeProvider clock)
{
    // As long as anything is renewed by nobody; and how long it is remembered that something was lifted.
    private static readonly TimeSpan Lasts = TimeSpan.FromDays(30);

    private const int Page = 1000;
    private const int MostLifted = 10_000;

    // name, milliseconds, text, channel, end, most. The number begins at the clock, so a store that was emptied has another one.
    private static readonly RedisScript Put = new("""
        local old = redis.call('HGET', KEYS[1], ARGV[1])
        if old then
          local at = tonumber(string.match(old, '^(%d+) ') or '0')
          if at and at > tonumber(ARGV[2]) then return 0 end
        elseif redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[6]) then
          return redis.error_reply('FULL of revocations')
        end
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
        if redis.call('EXISTS', KEYS[2]) == 0 then
          local t = redis.call('TIME')
          redis.call('SET', KEYS[2], string.format('%.0f', t[1] * 1000000 + t[2]))
        end
        local version = redis.call('INCR', KEYS[2])
        redis.call('PEXPIRE', KEYS[1], ARGV[5])
        redis.call('PEXPIRE', KEYS[2], ARGV[5])
        redis.call('PUBLISH', ARGV[4], 'revoked ' .. string.format('%.0f', version) .. ' ' .. ARGV[2] .. ' ' .. ARGV[3])
        return version
        """);

    // cursor, page
    private static readonly RedisScript Read = new("""
        return {redis.call('GET', KEYS[2]) or '0', redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])}
        """);

    // name and text, over and over: only those that nobody has changed meanwhile.
    private static readonly RedisScript Forget = new("""
        for i = 1, #ARGV, 2 do
          if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
        end
        return 1
        """);

    private readonly ConcurrentDictionary<RevocationKey, long> _lifted = new();
    private long _version = -1;
    private long _syncs;

    /// <summary>Times that the whole was read.</summary>
    public long Syncs => Volatile.Read(ref _syncs);

    private static (string, string)[] Keys => [(RedisKeys.Revocations, "hash"), (RedisKeys.RevocationsVersion, "string")];

    // Not ToString: nodes of two versions must write the same.
    private static string Field(in RevocationKey name) => name.Word + ":" + name.Key;

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    public Task<bool> RevokeAsync(Revocation revocation) => PutAsync(new RevocationChange(revocation.Name, revocation, Now));

    public Task<bool> LiftAsync(RevocationKey name)
    {
        var at = Now;
        // Kept until it is known there: else the next look would bring back what was lifted here.
        if (_lifted.Count < MostLifted)
            _lifted[name] = at;
        return PutAsync(new RevocationChange(name, null, at));
    }

    private async Task<bool> PutAsync(RevocationChange change)
    {
        var answer = await keys.AskAsync(Put, Keys, Field(change.Name), change.At, SessionText.Of(change), RedisKeys.Channel, (long)Lasts.TotalMilliseconds,
            2 * Revocations.Most);
        if (answer.IsError)
            return false;
        if (change.Revocation is null)
            _lifted.TryRemove(KeyValuePair.Create(change.Name, change.At));
        return true;
    }

    /// <summary>"version milliseconds {...}", of a change that was published. False: some before it were missed.</summary>
    public bool Hear(ReadOnlyMemory<byte> text)
    {
        var blank = text.Span.IndexOf((byte)' ');
        if (blank < 0 || !RespParser.TryNumber(text.Span[..blank], out var version) || SessionText.ReadChange(text[(blank + 1)..]) is not { } change)
            return false;
        if (version <= _version)
            return true;
        Apply(change);
        if (version != _version + 1)
            return false;
        _version = version;
        return true;
    }

    /// <summary>Is there something that was not heard?</summary>
    public async Task<bool> IsBehindAsync()
    {
        var answer = await client.SendAsync(RedisKeys.RevocationsVersion, "GET", RedisKeys.RevocationsVersion);
        return answer.Code == "WRONGTYPE" || !answer.IsError && answer.Number != _version;
    }

    /// <summary>Reads all, takes what is later there, writes what is later here. False when it could not be done.</summary>
    public async Task<bool> SyncAsync()
    {
        var there = new Dictionary<RevocationKey, RevocationChange>();
        var over = new List<RedisWord>();
        var (cursor, version) = ("0", -1L);
        do
        {
            var answer = await keys.AskAsync(Read, Keys, cursor, Page);
            if (answer.Items is not [var number, { Items: [var next, var pairs] }] || there.Count > 4 * Revocations.Most)
                return false;
            // The first: what changes while the rest is read comes once more.
            version = version < 0 ? number.Number : version;
            cursor = next.Text;
            for (var i = 0; i + 1 < pairs.Items.Count; i += 2)
            {
                var text = pairs.Items[i + 1].Bytes.ToArray();
                if (SessionText.ReadChange(text) is { } change && !IsOver(change))
                {
                    there[change.Name] = change;
                }
                else
                {
                    over.Add(pairs.Items[i].Bytes.ToArray());
                    over.Add(text);
                }
            }
        }
        while (cursor != "0");
        foreach (var change in there.Values)
            Apply(change);
        if (!await WriteMissingAsync(there))
            return false;
        foreach (var some in over.Chunk(Page))
            await keys.AskAsync(Forget, Keys[..1], some);
        _version = version;
        Interlocked.Increment(ref _syncs);
        return true;
    }

    private async Task<bool> WriteMissingAsync(Dictionary<RevocationKey, RevocationChange> there)
    {
        var writing = new List<Task<bool>>();
        foreach (var (name, at) in _lifted)
        {
            if (!there.TryGetValue(name, out var change) || change.At < at)
                writing.Add(PutAsync(new RevocationChange(name, null, at)));
            else
                _lifted.TryRemove(KeyValuePair.Create(name, at));
        }
        foreach (var revocation in memory.All)
        {
            if (!there.TryGetValue(revocation.Name, out var change) || change.At / 1000 < revocation.From)
                writing.Add(PutAsync(new RevocationChange(revocation.Name, revocation, revocation.From * 1000)));
            if (writing.Count < Page)
                continue;
            if (!Array.TrueForAll(await Task.WhenAll(writing), done => done))
                return false;
            writing.Clear();
        }
        return Array.TrueForAll(await Task.WhenAll(writing), done => done);
    }

    private bool IsOver(in RevocationChange change)
    {
        var now = Now;
        return change.Revocation is { } revocation ? revocation.Until != Revocation.Ever && revocation.Until * 1000 < now : change.At + Lasts.TotalMilliseconds < now;
    }

    /// <summary>Unless this node knows something later.</summary>
    private void Apply(in RevocationChange change)
    {
        if (IsOver(change) || _lifted.TryGetValue(change.Name, out var lifted) && lifted > change.At)
            return;
        // A revocation has whole seconds.
        if (memory.Find(change.Name) is { } known && known.From > change.At / 1000)
            return;
        if (change.Revocation == memory.Find(change.Name))
            return;
        if (change.Revocation is { } revocation)
            memory.Put(revocation);
        else
            memory.Lift(change.Name);
        heard(change);
    }
}
