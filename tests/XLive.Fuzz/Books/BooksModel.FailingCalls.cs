using XLive.Server.Storage;
using XLive.Server.Traffic.Counters;

namespace XLive.Fuzz.Books;

/// <summary>A quiet life in which one call of the disk fails: the n-th of its kind, from the first start on.</summary>
internal sealed partial class BooksModel
{
    // Two hundred syncs of the ledger, and a dozen ends and starts.
    private const int MostRounds = 100;

    private bool _isScripted;

    /// <param name="dies">The process dies of it, and the next one goes on with what the system still has in its cache.</param>
    /// <returns>False when there are not so many such calls.</returns>
    public static bool Fail(DiskCall call, DiskFault fault, int n, bool dies = false)
    {
        var model = new BooksModel(new Engine.Dice((ulong)n)) { _isScripted = true };
        try
        {
            return model.Survive(call, fault, n, dies);
        }
        finally
        {
            model.Dispose();
        }
    }

    private bool Survive(DiskCall call, DiskFault fault, int n, bool dies)
    {
        _disk.Arm(fault, n - 1, call);
        Start();
        for (var round = 1; _disk.IsArmed && round <= MostRounds; round++)
            Round(round, dies);
        if (_disk.IsArmed)
            return false;
        // The disk is well again: so is the next cut, and the bytes are those that were charged.
        Round(1, dies);
        if (_ledger.Fault is { } still)
            throw new BooksDisagree($"the cut after the fault was not made: {still}");
        Check();
        Round(1, dies);
        Sync();
        // What has been committed since the fault is on the disk, and not only in the system's cache.
        Crash(power: true);
        Check();
        End();
        return true;
    }

    private void Round(int number, bool dies)
    {
        foreach (var step in (ReadOnlySpan<Action>)[Watch, Watch, Watch, GiveBack, () => _clock.Pass(300), Sync, Look, Send, MoveHistory])
        {
            var wasArmed = _disk.IsArmed;
            step();
            if (_disk.IsDead || (dies && wasArmed && !_disk.IsArmed))
            {
                Crash(power: _disk.IsDead && _dice.OneIn(2));
                return;
            }
        }
        if (number % 8 == 0)
            EndAndStart();
        if (!_disk.IsArmed)
            Check();
    }

    /// <summary>As SIGTERM does: the ledger's file is closed, and its log taken into it.</summary>
    private void EndAndStart()
    {
        try
        {
            _ledger.Finish();
        }
        catch (Exception e) when (e is DatabaseException or IOException)
        {
            // What it could not do the next start does.
        }
        _left[_generation] = _memory.Left(power: false);
        _isUp = false;
        _ledger.Dispose();
        _meters.Dispose();
        if (_disk.IsDead)
            _disk.Restart(power: false);
        Start();
    }
}
