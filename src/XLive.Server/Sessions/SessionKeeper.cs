using Microsoft.Extensions.Hosting;
using XLive.Server.Telemetry;

namespace XLive.Server.Sessions;

/// <summary>Between memory and store: what this node had before it ended, and each second what has changed since.</summary>
public sealed class SessionKeeper(
    SessionTable table, ISessionStore store, Func<SessionOptions> options, Supervisor supervisor, TimeProvider clock) : IHostedService, IDisposable
{
    // A batch of this size is a tenth of a second of SQLite; what does not fit goes with the next.
    private const int MostSaved = 20_000;

    // Of sessions dropped while the store was out of reach; those beyond are cleared away at the next start.
    private const int MostGone = 100_000;

    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    // A session that plays is written this often: a kill loses no more of its count.
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private List<SessionId> _gone = [];
    private SupervisedLoop? _looks;
    private Task _saving = Task.CompletedTask;
    private long _pauseUntil = long.MinValue;

    /// <summary>Dropped sessions of which the store has not been told.</summary>
    public int GonePending => _gone.Count;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var record in await store.StartAsync(new StoreListener(table.Revocations, table.LosePlace)))
        {
            if (!table.Restore(record))
                Gone(record.Id);
        }
        _looks = supervisor.Every("sessions", Every, Look);
    }

    private void Look()
    {
        table.Sweep(Gone);
        table.Revocations.Prune();
        if (_saving.IsCompleted && clock.GetTimestamp() >= _pauseUntil)
            _saving = SaveAsync(clock.GetTimestamp(), all: false);
    }

    private void Gone(SessionId id)
    {
        lock (_gate)
        {
            if (_gone.Count < MostGone)
                _gone.Add(id);
        }
    }

    private async Task SaveAsync(long now, bool all)
    {
        List<Session> taken = [];
        foreach (var session in table.All)
        {
            if (session.SavedSeen == session.LastSeen
                || !all && session.SavedSeen != long.MinValue && clock.GetElapsedTime(session.SavedAt, now) < Between)
                continue;
            taken.Add(session);
            session.SavedSeen = session.LastSeen;
            session.SavedAt = now;
            if (!all && taken.Count == MostSaved)
                break;
        }
        List<SessionId> gone;
        lock (_gate)
            (gone, _gone) = (_gone, []);
        var saved = await store.SaveAsync(taken.ConvertAll(s => s.ToRecord(clock)), gone, options().Lease);
        if (saved)
            return;
        _pauseUntil = clock.GetTimestamp() + clock.TimestampFrequency * 2;
        foreach (var session in taken)
            session.SavedSeen = long.MinValue;
        foreach (var id in gone)
            Gone(id);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _looks?.Dispose();
        await _saving.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_saving.IsCompleted)
            await SaveAsync(clock.GetTimestamp(), all: true).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose() => _looks?.Dispose();
}
