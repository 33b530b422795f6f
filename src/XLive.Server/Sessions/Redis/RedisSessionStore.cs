using System.Threading.Channels;
using XLive.Server.Storage.Redis;
using XLive.Server.Telemetry;

namespace XLive.Server.Sessions.Redis;

/// <summary>
/// Sessions, places and revocations that several nodes share. What this node has written is kept in memory, so that after an outage,
/// whatever Redis has kept of it, all of it is written anew; until then the node decides by what it knows itself. The node's own file
/// is kept beside it: a node that is started while Redis is away, or empty, must not forget whom it has shut out.
/// </summary>
public sealed class RedisSessionStore : ISessionStore
{
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SignOften = TimeSpan.FromSeconds(4);

    private const int MostNews = 4096;
    private const int MostUnwritten = 100_000;

    private readonly ISessionStore _own;
    private readonly RedisClient _client;
    private readonly RedisWatch _watch;
    private readonly RedisService _service;
    private readonly RedisKeys _keys;
    private readonly RedisPlaces _places;
    private readonly RedisNodeSessions _sessions;
    private readonly TimeProvider _clock;
    private readonly Supervisor _supervisor;
    private readonly Channel<RespValue> _news = Bounded<RespValue>(MostNews);
    private readonly Channel<RevocationChange> _unwritten = Bounded<RevocationChange>(MostUnwritten);
    private readonly KeptSessions _kept;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationToken _stop;
    private readonly TaskCompletionSource _firstTurn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RedisRevocations _revocations = null!;
    private RedisSubscription? _subscription;
    private StoreListener _node = null!;
    private TimeSpan _lease = TimeSpan.FromSeconds(60);
    private volatile string _trouble = "not connected yet";
    private volatile bool _joined;
    private volatile bool _mustSync = true;
    private int _epoch;
    private int _heardBy;
    private long _polledAt, _signedAt, _unanswered;

    /// <param name="own">The node's file.</param>
    public RedisSessionStore(
        ISessionStore own, RedisClient client, RedisWatch watch, RedisService service, string node, Supervisor supervisor, TimeProvider clock)
    {
        _own = own;
        _client = client;
        _watch = watch;
        _service = service;
        _clock = clock;
        _supervisor = supervisor;
        _keys = new RedisKeys(client);
        _places = new RedisPlaces(_keys);
        _sessions = new RedisNodeSessions(client, _keys, node);
        _kept = new KeptSessions(_places, _sessions, clock);
        _stop = _stopping.Token;
    }

    private static Channel<T> Bounded<T>(int most) => Channel.CreateBounded<T>(new BoundedChannelOptions(most) { FullMode = BoundedChannelFullMode.DropWrite });

    public string Name => "redis";

    public bool SharesPlaces => true;

    public StoreStatus Status
    {
        get
        {
            var reason = !_watch.State.IsUsable ? _watch.State.Reason : _trouble.Length > 0 ? _trouble : _watch.State.Reason;
            return new StoreStatus(reason.Length > 0, reason, _kept.Pending);
        }
    }

    /// <summary>Of the node's own file beside it.</summary>
    public StoreStatus FileStatus => _own.Status;

    /// <summary>Times that a node decided alone because no answer came in time.</summary>
    public long Unanswered => Volatile.Read(ref _unanswered);

    /// <summary>Of the last look.</summary>
    public double LatencyMs => _watch.State.LatencyMs;

    /// <summary>Another number whenever all was written anew.</summary>
    public int Epoch => Volatile.Read(ref _epoch);

    public long Quarantined => _keys.Quarantined;

    public async Task<IReadOnlyList<SessionRecord>> StartAsync(StoreListener node)
    {
        _node = node;
        var before = await _own.StartAsync(node);
        _revocations = new RedisRevocations(_client, _keys, node.Revocations, HeardChange, _clock);
        _client.Start();
        _watch.Start(_supervisor);
        _subscription = _client.Subscribe(RedisKeys.Channel, Heard);
        _ = _supervisor.RunAsync("shared sessions", TurnsAsync, _stop);
        _ = _supervisor.RunAsync("heard revocations", WriteHeardAsync, _stop);
        // As long as a server that is there may take to say so; one that is not is no reason not to start.
        await Task.WhenAny(_firstTurn.Task, Task.Delay(RedisServer.Patience, _clock, CancellationToken.None));
        return _service.IsForeign ? throw _service.Fault() : before;
    }

    /// <summary>Beside the loop that hears them: a disk that hangs must not keep a revocation from holding.</summary>
    private async Task WriteHeardAsync(SupervisedLoop loop)
    {
        while (await _unwritten.Reader.WaitToReadAsync(_stop))
        {
            while (_unwritten.Reader.TryRead(out var change))
                _ = change.Revocation is { } revocation ? await _own.RevokeAsync(revocation) : await _own.LiftAsync(change.Name);
            loop.Rest();
        }
    }

    public async ValueTask<PlaceAnswer> EnterAsync(SessionRecord session, SessionId? insteadOf, DeviceLimit limit)
    {
        if (_joined && _watch.IsPrompt)
        {
            var asking = _places.EnterAsync(session, insteadOf, limit);
            using var enough = new CancellationTokenSource();
            if (await Task.WhenAny(asking, Task.Delay(RedisWatch.Prompt, _clock, enough.Token)) == asking)
            {
                await enough.CancelAsync();
                var answer = await asking;
                if (answer.Items is [var taken, ..])
                {
                    foreach (var other in answer.Items.Skip(1))
                        Replaced(other.Text);
                    return taken.Number == 1 ? PlaceAnswer.Granted : PlaceAnswer.Refused;
                }
            }
        }
        Interlocked.Increment(ref _unanswered);
        return PlaceAnswer.Unanswered;
    }

    private void Replaced(string name)
    {
        if (!SessionText.TryName(name, out var id))
            return;
        if (_kept.Has(id))
            _node.LostPlace(id);
        // The same session may have been played at two nodes.
        _ = _client.SendAsync(null, "PUBLISH", RedisKeys.Channel, "lost " + name);
    }

    public async ValueTask<bool> SaveAsync(IReadOnlyList<SessionRecord> changed, IReadOnlyList<SessionId> gone, TimeSpan lease)
    {
        _lease = lease;
        _kept.Take(changed, gone);
        // For Redis it is kept here until it is written; only the file may need it given again.
        return await _own.SaveAsync(changed, gone, lease);
    }

    public async ValueTask<bool> RevokeAsync(Revocation revocation)
    {
        var writing = _own.RevokeAsync(revocation).AsTask();
        _kept.Free(revocation);
        var done = _joined && await _revocations.RevokeAsync(revocation);
        _mustSync |= !done;
        return await writing && done;
    }

    private void HeardChange(RevocationChange change)
    {
        _unwritten.Writer.TryWrite(change);
        if (change.Revocation is { } revocation)
            _kept.Free(revocation);
    }

    public async ValueTask<bool> LiftAsync(RevocationKey name)
    {
        var writing = _own.LiftAsync(name).AsTask();
        // Remembered as lifted even when it cannot be said now.
        var done = await _revocations.LiftAsync(name);
        _mustSync |= !done;
        return await writing && done && _joined;
    }

    public async ValueTask<IReadOnlyList<SessionRecord>> ListAsync(SessionFilter filter, SessionId? after, int most) =>
        _joined ? await _sessions.ListAsync(filter, after, most) : [];

    public async ValueTask<SessionRecord?> FindAsync(SessionId id) => _joined ? await _sessions.FindAsync(id) : null;

    // Where answers are read: only put aside.
    private void Heard(RespValue payload)
    {
        if (!_news.Writer.TryWrite(payload) || _news.Reader.Count >= MostNews)
            _mustSync = true;
    }

    private async Task TurnsAsync(SupervisedLoop loop)
    {
        while (!_stop.IsCancellationRequested)
        {
            loop.Beat();
            await TurnAsync();
            loop.Rest();
            // Until something is heard, or it is time.
            using var soon = CancellationTokenSource.CreateLinkedTokenSource(_stop);
            await Task.WhenAny(_news.Reader.WaitToReadAsync(soon.Token).AsTask(), Task.Delay(Turn, _clock, soon.Token));
            await soon.CancelAsync();
        }
    }

    private async Task TurnAsync()
    {
        while (_news.Reader.TryRead(out var payload))
            Take(payload.Bytes.ToArray());
        if (!_watch.State.IsUsable)
        {
            _joined = false;
            return;
        }
        if ((!_joined || _epoch != _watch.Epoch) && !await JoinAsync())
        {
            _firstTurn.TrySetResult();
            return;
        }
        _firstTurn.TrySetResult();
        if (_mustSync || _heardBy != _subscription!.Joined || Passed(ref _polledAt, Poll) && await _revocations.IsBehindAsync())
            await SyncAsync();
        if (Passed(ref _signedAt, SignOften))
        {
            await _sessions.PresentAsync();
            if (!await AgreesAsync())
                return;
        }
        await _kept.WriteAsync(_epoch, _lease, _node.LostPlace);
    }

    private async Task<bool> JoinAsync()
    {
        var epoch = _watch.Epoch;
        _joined = false;
        if (!await AgreesAsync())
            return false;
        if (!await SyncAsync())
            return false;
        // What an earlier life of this node had is written anew, as far as it lives on.
        if (_epoch == 0)
            await _sessions.ClearAsync();
        await _sessions.PresentAsync();
        Volatile.Write(ref _epoch, epoch);
        _joined = true;
        return true;
    }

    private async Task<bool> AgreesAsync()
    {
        var agrees = await _service.AgreesAsync(_keys);
        if (agrees == true)
            return true;
        _trouble = agrees is null ? "does not say which service it belongs to" : RedisService.Words;
        _joined = false;
        return false;
    }

    private async Task<bool> SyncAsync()
    {
        _mustSync = false;
        _heardBy = _subscription!.Joined;
        var done = await _revocations.SyncAsync();
        _mustSync |= !done;
        _trouble = done ? "" : "revocations could not be read and written";
        return done;
    }

    private bool Passed(ref long since, TimeSpan period)
    {
        if (since != 0 && _clock.GetElapsedTime(since) < period)
            return false;
        since = _clock.GetTimestamp();
        return true;
    }

    private void Take(byte[] text)
    {
        if (text.AsSpan().StartsWith("revoked "u8))
            _mustSync |= !_revocations.Hear(text.AsMemory(8));
        else if (text.AsSpan().StartsWith("lost "u8) && SessionText.TryName(System.Text.Encoding.ASCII.GetString(text.AsSpan(5)), out var id) && _kept.Has(id))
            _node.LostPlace(id);
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stopping.CancelAsync();
        _subscription?.Dispose();
        _watch.Dispose();
        _client.Dispose();
        await _own.DisposeAsync();
        _stopping.Dispose();
    }
}
