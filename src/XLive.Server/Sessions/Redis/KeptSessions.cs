using System.Collections.Concurrent;
using XLive.Server.Storage.Redis;

namespace XLive.Server.Sessions.Redis;

/// <summary>
/// What this node has to say of its own sessions, kept until it is written and after: a store that comes back empty is told all of it
/// again. Each session is written when it is new, and then seldom.
/// </summary>
internal sealed class KeptSessions(RedisPlaces places, RedisNodeSessions sessions, TimeProvider clock)
{
    private const int Most = SessionTable.Most;
    private const int Batch = 200;

    /// <summary>Each lease at most so often: 25,000 sessions are 2,500 a second.</summary>
    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<SessionId, Kept> _kept = new();
    private readonly ConcurrentDictionary<SessionId, SessionRecord> _gone = new();
    private volatile bool _mayBeDue;
    private int _epoch;
    private int _pending;

    /// <summary>A session of this node: when it was last written, and to which life of the store.</summary>
    private sealed class Kept(SessionRecord record)
    {
        public SessionRecord Record = record;
        public bool IsChanged = true;
        public int Epoch;
        public long WrittenAt;
    }

    /// <summary>Records that wait to be written.</summary>
    public int Pending => Volatile.Read(ref _pending);

    public bool Has(SessionId id) => _kept.ContainsKey(id);

    public void Take(IReadOnlyList<SessionRecord> changed, IReadOnlyList<SessionId> gone)
    {
        foreach (var record in changed)
        {
            if (_kept.TryGetValue(record.Id, out var kept))
                (kept.Record, kept.IsChanged) = (record, true);
            else if (_kept.Count < Most)
                _kept[record.Id] = new Kept(record);
        }
        foreach (var id in gone)
        {
            // One that this life of the store has never heard of need not be taken from it.
            if (_kept.TryRemove(id, out var kept) && kept.Epoch == Volatile.Read(ref _epoch) && _gone.Count < Most)
                _gone[id] = kept.Record;
        }
        _mayBeDue = true;
    }

    /// <summary>Of a session that was shut out: its user may play on another device at once.</summary>
    public void Free(Revocation revocation)
    {
        if (revocation.Kind == RevocationKind.Sid && SessionId.TryParse(revocation.Key, out var id) && _kept.TryRemove(id, out var kept) && _gone.Count < Most)
        {
            _gone[id] = kept.Record;
            _mayBeDue = true;
        }
    }

    /// <summary>What is due: all that was not written to this life of the store, and what has changed since its last time.</summary>
    public async Task WriteAsync(int epoch, TimeSpan lease, Action<SessionId> lostPlace)
    {
        // Told once a second, asked four times: a look at a quarter of a million takes a while.
        if (!_mayBeDue && epoch == _epoch)
            return;
        _mayBeDue = false;
        Volatile.Write(ref _epoch, epoch);
        var renewal = lease / 4 < Renewal ? lease / 4 : Renewal;
        var due = _kept.Select(k => k.Value).Where(k => k.Epoch != epoch || k.IsChanged && clock.GetElapsedTime(k.WrittenAt) >= renewal).ToList();
        var pending = due.Count + _gone.Count;
        Volatile.Write(ref _pending, pending);
        foreach (var batch in due.Chunk(Batch))
        {
            if (!await WriteAsync(batch, epoch, lease, lostPlace))
            {
                _mayBeDue = true;
                return;
            }
            Volatile.Write(ref _pending, pending -= batch.Length);
        }
        foreach (var batch in _gone.ToArray().Chunk(Batch))
        {
            var now = clock.GetUtcNow().ToUnixTimeSeconds();
            var leaving = batch.Where(g => g.Value.HasPlace).Select(g => places.LeaveAsync(g.Value, lease, now)).Append(sessions.DropAsync(batch.Select(g => g.Key)));
            if (Array.Exists(await Task.WhenAll(leaving), a => a.IsError))
            {
                _mayBeDue = true;
                return;
            }
            foreach (var (id, _) in batch)
                _gone.TryRemove(id, out _);
        }
        Volatile.Write(ref _pending, _gone.Count);
    }

    /// <summary>False: not the time for more.</summary>
    private async Task<bool> WriteAsync(Kept[] batch, int epoch, TimeSpan lease, Action<SessionId> lostPlace)
    {
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        var records = Array.ConvertAll(batch, k =>
        {
            k.IsChanged = false;
            return k.Record;
        });
        var users = batch.Zip(records).GroupBy(p => p.Second.HasPlace ? p.Second.Uid : "").ToArray();
        var holding = Array.ConvertAll(users, u => u.Key.Length == 0 ? null : places.HoldAsync(u.Key, u.Select(p => p.Second), lease, now));
        var written = await sessions.WriteAsync(records);
        var failed = 0;
        for (var i = 0; i < users.Length; i++)
        {
            var held = holding[i] is { } answering ? await answering : RespValue.OfNothing;
            // A user's slot may be on its way to another node of the cluster: the others are written all the same.
            if (held.IsError || written.IsError)
            {
                failed++;
                foreach (var (kept, _) in users[i])
                    kept.IsChanged = true;
                continue;
            }
            foreach (var (kept, _) in users[i])
                (kept.Epoch, kept.WrittenAt) = (epoch, clock.GetTimestamp());
            foreach (var lost in held.Items)
            {
                if (SessionText.TryName(lost.Text, out var id))
                    lostPlace(id);
            }
        }
        return failed < users.Length;
    }
}
