using XLive.Server.Storage;

namespace XLive.Server.Traffic.History;

/// <summary>
/// Carries batches from the ledger into the database, each exactly once: the number of a batch is kept there in the same transaction,
/// and one who was killed, or lost the database, between that and the removal here brings it again and is told so.
/// </summary>
public sealed class HistoryMover(HistoryPending pending, TrafficHistory history, Database db)
{
    private bool _known;
    private long _moved;
    private volatile Depth _waiting = new(0, 0);
    private volatile string? _fault;

    /// <summary>Batches since the start.</summary>
    public long Moved => Volatile.Read(ref _moved);

    /// <summary>Why the last turn did not get all across; null when it did.</summary>
    public string? Fault => _fault;

    /// <summary>What the last turn left in the ledger, and how much of its file that takes.</summary>
    public Depth Waiting => _waiting;

    /// <summary>Until nothing waits, or the database does not take it.</summary>
    public async Task MoveAsync(CancellationToken stop)
    {
        try
        {
            if (!_known)
            {
                pending.StartAbove(await db.RunAsync(_ => history.LastBatch(pending.Node)));
                _known = true;
            }
            while (!stop.IsCancellationRequested && pending.Oldest() is { } batch)
            {
                await db.RunAsync(_ => history.Add(batch));
                pending.Forget(batch);
                Interlocked.Increment(ref _moved);
            }
            _fault = null;
        }
        catch (DatabaseException fault)
        {
            _fault = fault.Message;
        }
        Look();
    }

    private void Look()
    {
        try
        {
            (int batches, long bytes) = pending.Depth();
            _waiting = new Depth(batches, bytes);
        }
        catch (DatabaseException fault)
        {
            _fault ??= fault.Message; // the ledger's own disk
        }
    }

    /// <param name="Bytes">Of the ledger's file.</param>
    public sealed record Depth(int Batches, long Bytes);
}
