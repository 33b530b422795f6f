using XLive.Server.Storage;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Counters;

namespace XLive.Fuzz.Books;

/// <summary>How processes of the model begin and end, and what must be true of the books then.</summary>
internal sealed partial class BooksModel
{
    private void Start()
    {
        for (Starts++; ; Starts++)
        {
            if (!_isScripted && _dice.OneIn(8))
                _disk.Arm(_dice.Pick<DiskFault>([DiskFault.Full, DiskFault.Failed, DiskFault.Death]), _dice.Below(16));
            LedgerFile? file = null;
            try
            {
                _file = file = LedgerFile.Open(Path, ModelVfs.Name, _disk.WriteAgain, _clock);
                _rows = new LedgerRows(_file.Db);
                var left = _left.TryGetValue(_rows.Generation, out var bytes) ? ModelMemory.Slots(bytes, _rows.Generation) : [];
                _generation = LedgerStart.Absorb(_file, _rows, left, _options, _clock.Unix);
                _memory = new ModelMemory(_dice, !_isScripted && _dice.OneIn(6) ? 2 : 16, 16) { Synced = _oracle.Synced };
                _slots = new CounterSlots(_memory, _generation);
                _meters = new UserMeters(_slots, new TrafficClock(_clock));
                _ledger = new Ledger(_file, _meters, () => _options, _clock) { IsReporting = static () => true };
                break;
            }
            catch (Exception e) when (e is DatabaseException or LedgerFault)
            {
                // The start failed, in the midst of it or clearly; somebody starts it again.
                var power = _dice.OneIn(2);
                _disk.Die();
                file?.Dispose();
                _disk.Restart(power);
            }
        }
        _viewers.Clear();
        foreach (var uid in s_users)
            _viewers.AddRange([new Viewer(uid, _meters.Open(uid, uid[..1] + "1")), new Viewer(uid, _meters.Open(uid, uid[..1] + "2"))]);
        _isUp = true;
    }

    private void Crash(bool power)
    {
        foreach (var uid in s_users)
        {
            var inMemory = _meters.Find(uid) is { } account && _slots.IsInMemory(account.Slot) ? account.Untaken : default;
            // A cut that failed may be in SQLite's log all the same, from before these were given back.
            var givenBack = _viewers.Where(v => v.Uid == uid).Aggregate(default(Counts), static (sum, v) => sum + v.GivenBackInMemory);
            if (power)
                _oracle.LostPower(uid, inMemory, givenBack);
            else
                _oracle.Killed(uid, inMemory, givenBack);
        }
        _left[_generation] = _memory.Left(power);
        PowerLosses += power ? 1 : 0;
        Down();
        _disk.Restart(power);
        Start();
        Check(afterCrash: true);
    }

    /// <summary>The orderly end, as far as the disk lets it.</summary>
    private void Stop()
    {
        try
        {
            _ledger.Finish();
        }
        catch (Exception e) when (e is DatabaseException or IOException)
        {
            // What it could not do the next start does.
        }
        Crash(power: false);
    }

    private void Down()
    {
        _isUp = false;
        _disk.Die();
        _ledger.Dispose();
        _meters.Dispose();
    }

    private void Check(bool afterCrash = false)
    {
        _receiver.Look(_ledger.Outbox);
        foreach (var uid in s_users)
        {
            var found = _receiver.Of(uid) + _rows.Load(uid).Waiting.Counts + (_meters.Find(uid)?.Untaken ?? default);
            if (afterCrash)
                _oracle.CheckAfterCrash(uid, found);
            else
                _oracle.Check(uid, found);
        }
    }

    /// <summary>Everything is healthy again, and two days pass.</summary>
    private void End()
    {
        _disk.Disarm();
        _memory.FailsToSync = _memory.FailsToGrow = false;
        Stop();
        _disk.Disarm();
        for (var hour = 0; hour < 50; hour++)
        {
            _clock.Pass(3600);
            _ledger.Sync();
            _ledger.Look();
            foreach (var parked in _ledger.Outbox.List(1000).Where(e => e.Parked is not null))
                _ledger.Outbox.Replay(parked.Id);
            for (; _ledger.Outbox.Oldest() is { } report; _ledger.Outbox.Acknowledge(report))
                _receiver.Take(report);
        }
        Check();
        _receiver.CheckOrder();
        if (_rows.Difference() != 0)
            throw new BooksDisagree($"the ledger's own sums differ by {_rows.Difference()}");
        if (_file.Db.Query("SELECT uid FROM users", static row => row.Text(0)).Except(s_users).FirstOrDefault() is { } nobody)
            throw new BooksDisagree($"{nobody} is in the books, and never took anything");
        for (; _ledger.History.Oldest() is { } batch; _ledger.History.Forget(batch))
            _history.TryAdd(batch.Number, batch);
        foreach (var uid in s_users)
        {
            if (!_rows.Load(uid).Waiting.Counts.Payable.IsZero)
                throw new BooksDisagree($"{uid} still waits for a report");
            var history = _history.Values.SelectMany(b => b.Deltas).Where(d => d.Uid == uid).Aggregate(default(Counts), (sum, d) => sum + d.Counts);
            _oracle.Check(uid, history);
        }
    }

    public void Dispose()
    {
        if (_isUp)
            Down();
    }
}
