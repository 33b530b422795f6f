using XLive.Server.Storage;

namespace XLive.Server.Traffic.History;

/// <summary>
/// Carries batches from the ledger into the database, each exactly once: the number of a batch is kept there in the same transaction,
/// and one that was killed, or lost its database, between that and the removal here brings it again and is told so.
/// </summary>
public sealed class HistoryMover(PendingHistory pending, string node, TrafficHistory history, Database db)
{
    // A few batches are as good as one; beyond that they are made few.
    private const int MostApart = 8;

    private bool _known;
    private long _moved;
    private int _waiting;
    private volatile string? _fault;

    /// <summary>Batches since the start.</summary>
    public long Moved => Volatile.Read(ref _moved);

    /// <summary>Batches that wait, as of the last turn.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Why the last turn did not get all across; null when it did.</summary>
    public string? Fault => _fault;

    /// <summary>Until nothing waits, or the database does not take it.</summary>
    public async Task MoveAsync(CancellationToken stop)
    {
        try
        {
            if (!_known)
            {
                pending.StartAbove(await db.RunAsync(_ => history.LastBatch(node)));
                _known = true;
            }
            while (!stop.IsCancellationRequested && pending.Oldest() is { } batch)
            {
                await db.RunAsync(_ => history.Add(node, batch));
                pending.Remove(batch.Id);
                Interlocked.Increment(ref _moved);
            }
            _fault = null;
        }
        catch (DatabaseException fault)
        {
            _fault = fault.Message;
        }
        Tidy();
    }

    private void Tidy()
    {
        try
        {
            if (pending.Count is var count && _fault is not null && count > MostApart)
            {
                pending.Merge();
                count = pending.Count;
            }
            Volatile.Write(ref _waiting, count);
        }
        catch (DatabaseException fault)
        {
            // The ledger's own disk: its part says so, and what waits there waits on.
            _fault ??= fault.Message;
        }
    }
}
