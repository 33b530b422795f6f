using XLive.Server.Storage;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Traffic;

/// <summary>
/// A start: opens the ledger, takes what the process before left in its counters, and makes new ones.
///
/// 1. The ledger names a generation. The counters of that generation hold what no cut has taken.
/// 2. One transaction takes all of it and names the next generation. Killed before it, the next start does the same; killed after it,
///    the old counters are of a generation that nobody asks for.
/// 3. The old counters are deleted and those of the new generation made.
/// </summary>
internal sealed class LedgerStart
{
    private LedgerStart(LedgerFile file, CounterSlots slots, List<string> warnings) => (File, Slots, Warnings) = (file, slots, warnings);

    public LedgerFile File { get; }
    public CounterSlots Slots { get; }
    public List<string> Warnings { get; }

    public static LedgerStart In(string dir, TrafficOptions options, TimeProvider clock)
    {
        LedgerFile? file = null;
        try
        {
            Directory.CreateDirectory(dir, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            file = LedgerFile.Open(Path.Combine(dir, "ledger.db"), clock);
            var rows = new LedgerRows(file.Db);
            var left = LeftCounters.In(dir, rows.Generation, file.Node);
            var generation = Absorb(file, rows, left.Slots, options, clock.GetUtcNow().ToUnixTimeSeconds());
            LeftCounters.Delete(dir, generation - 1);
            var slots = new CounterSlots(CounterFile.Create(dir, generation, file.Node, CounterSlots.Step), generation);
            return new LedgerStart(file, slots, left.Warnings);
        }
        catch (LedgerFault)
        {
            throw;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DatabaseException or InvalidDataException)
        {
            file?.Dispose();
            throw new LedgerFault(dir, e);
        }
    }

    /// <returns>The new generation.</returns>
    public static long Absorb(LedgerFile file, LedgerRows rows, IReadOnlyList<LeftSlot> left, TrafficOptions options, long now) => file.Db.Transaction(() =>
    {
        // Asked before anything is saved: power may have failed between two slots of one user, and his row knows of one.
        var known = left.Select(slot => (Slot: slot, Untaken: slot.Counts - rows.Taken(rows.Load(slot.Uid!), slot.Epoch))).ToList();
        foreach (var hour in known.Where(k => !k.Untaken.IsZero).GroupBy(k => Math.Clamp(k.Slot.Last, 0, now) / 3600))
        {
            long bytes = 0;
            var newUids = 0;
            var history = new System.Buffers.ArrayBufferWriter<byte>();
            foreach (var (slot, untaken) in hour)
            {
                var standing = rows.Load(slot.Uid!);
                bytes += untaken.Bytes;
                newUids += standing.Row == 0 ? 1 : 0;
                var waiting = standing.Waiting.With(untaken, Math.Clamp(slot.Since, 0, now), Math.Clamp(slot.Last, 0, now), null);
                rows.Save(slot.Uid!, standing, standing.With(waiting, now, options.MinBytes), slot.Epoch, slot.Counts);
                HistoryPending.Write(history, slot.Uid!, untaken);
            }
            rows.Add(bytes, newUids, cleanup: false);
            file.History.Put(hour.Key * 3600, history);
        }
        return rows.Generation += 1;
    });
}
