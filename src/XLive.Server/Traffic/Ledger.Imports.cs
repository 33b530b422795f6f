using System.Buffers;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Traffic;

/// <summary>What a user took of somebody who sends for this server, as its log tells it.</summary>
internal sealed class SentElsewhere(string uid)
{
    private Counts _counts;

    public string Uid => uid;
    public ref Counts Counts => ref _counts;

    /// <summary>Unix seconds.</summary>
    public long First { get; set; } = long.MaxValue;
    public long Last { get; set; }
    public Origins From { get; } = new();
}

/// <summary>A log's place: all that stands before it is in the ledger.</summary>
/// <param name="FirstLine">SHA-256 of its first line, by which it is known under any name.</param>
internal readonly record struct LogPlace(byte[] FirstLine, long Read);

/// <summary>
/// Bytes that proxies sent go from their logs to the users' rows, and the log's place with them, in one transaction: so wherever the process
/// dies, a line is in the ledger once.
/// </summary>
public sealed partial class Ledger
{
    // Of a log that was rotated. A file that comes back after so long would be counted anew.
    private const long DaysRemembered = 400;

    // 100 bytes a row; a proxy that rotates each hour for a year has fewer.
    private const int MostLogs = 10_000;

    /// <summary>How far a log was read; 0: it is not known.</summary>
    internal long ReadOf(byte[] firstLine) => _file.Db.First("SELECT read FROM proxy_logs WHERE first_line = $1", static row => row.Int64(0), firstLine);

    /// <exception cref="Storage.DatabaseException">Nothing was taken.</exception>
    internal void Import(IReadOnlyCollection<SentElsewhere> sent, in LogPlace place)
    {
        lock (_cutting)
        {
            var (now, minBytes, privacy, log) = (_clock.GetUtcNow().ToUnixTimeSeconds(), _options().MinBytes, Privacy(), place);
            var next = new List<(Account? Account, Standing Standing)>(sent.Count);
            _file.Db.Transaction(() =>
            {
                foreach (var hour in sent.GroupBy(s => Math.Clamp(s.Last, 0, now) / 3600))
                    ImportHour(hour.Key, hour, now, minBytes, privacy, next);
                _file.Db.Execute("INSERT INTO proxy_logs (first_line, read, seen) VALUES ($1, $2, $3) ON CONFLICT (first_line) DO UPDATE SET read = $2, seen = $3",
                    log.FirstLine, log.Read, now);
            });
            foreach (var (account, standing) in next)
            {
                if (account is not null)
                    account.Standing = standing;
            }
        }
    }

    private void ImportHour(long hour, IEnumerable<SentElsewhere> sent, long now, long minBytes, Telemetry.AddressPrivacy privacy, List<(Account?, Standing)> next)
    {
        long bytes = 0;
        var newUids = 0;
        var history = new ArrayBufferWriter<byte>();
        foreach (var user in sent)
        {
            var account = _meters.Find(user.Uid);
            var standing = account?.Standing ?? _rows.Load(user.Uid);
            var waiting = standing.Waiting.With(user.Counts, Math.Clamp(user.First, 0, now), Math.Clamp(user.Last, 0, now), user.From, privacy);
            var after = standing.With(waiting, now, minBytes);
            // The slot that the row speaks of, if any, has nothing to do with these.
            if (standing.Row == 0)
                after = _rows.Save(user.Uid, standing, after, epoch: 0, default);
            else
                _rows.Save(after);
            next.Add((account, after));
            newUids += standing.Row == 0 ? 1 : 0;
            bytes += user.Counts.Bytes;
            HistoryPending.Write(history, user.Uid, user.Counts);
        }
        if (history.WrittenCount == 0)
            return;
        _rows.Add(bytes, newUids, cleanup: false);
        _file.History.Put(hour * 3600, history);
        _file.History.Merge();
    }

    /// <summary>Logs that are long gone.</summary>
    internal void ForgetLogs()
    {
        var now = _clock.GetUtcNow().ToUnixTimeSeconds();
        _file.Db.Execute("DELETE FROM proxy_logs WHERE seen < $1", now - DaysRemembered * 86400);
        _file.Db.Execute("DELETE FROM proxy_logs WHERE first_line IN (SELECT first_line FROM proxy_logs ORDER BY seen DESC LIMIT -1 OFFSET $1)", MostLogs);
    }
}
