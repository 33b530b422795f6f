using System.Buffers;
using System.Runtime.InteropServices;
using XLive.Server.Storage;
using XLive.Server.Telemetry;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Traffic;

/// <summary>What is taken of whom.</summary>
internal enum CutReason
{
    /// <summary>Who has waited long enough.</summary>
    CleanUp,

    /// <summary>And who has enough for a report.</summary>
    Report,

    /// <summary>Everybody: an hour of the history is over, or the server ends.</summary>
    Settle,
}

/// <summary>
/// One transaction of the ledger: what was read of some slots, what the users' rows become by it, the reports and the batch of history that
/// come of it. Nothing in memory moves before it is committed, so one that fails never was.
/// </summary>
internal sealed class Cut(LedgerFile file, LedgerRows rows, TrafficOptions options, AddressPrivacy privacy)
{
    private readonly List<Change> _changes = [];
    private readonly ArrayBufferWriter<byte> _history = new();
    private readonly List<ReportBody> _reports = [];

    private struct Change
    {
        public Account Account;
        public Counts Counts;
        public Origins Origins;
        public Standing Next;
        public bool Reported;
    }

    public int Count => _changes.Count;

    /// <summary>Somebody is among them only because he has waited long enough.</summary>
    public bool IsCleanUp { get; set; }

    /// <summary>Reports that the last commit put into the outbox.</summary>
    public int Reports { get; private set; }

    public void Take(Account account, in Counts counts, bool report) =>
        _changes.Add(new Change { Account = account, Counts = counts, Origins = null!, Next = account.Standing!, Reported = report });

    /// <param name="hour">The hour that the bytes are of.</param>
    /// <param name="window">What the reports, if any, are of.</param>
    /// <param name="now">Unix seconds.</param>
    public void Commit(long hour, (long From, long To) window, long now)
    {
        if (_changes.Count == 0)
            return;
        var changes = CollectionsMarshal.AsSpan(_changes);
        foreach (ref var change in changes)
            change.Origins = change.Account.TakeOrigins();
        try
        {
            file.Db.Transaction(() => Write(hour, window, now));
        }
        catch
        {
            foreach (ref var change in CollectionsMarshal.AsSpan(_changes))
                change.Account.Origins.Note(change.Origins);
            throw;
        }
        finally
        {
            Forget();
        }
        foreach (ref var change in changes)
        {
            change.Account.Taken = change.Counts;
            change.Account.Standing = change.Next;
            change.Account.BeginWindow();
        }
        _changes.Clear();
        IsCleanUp = false;
    }

    private void Write(long hour, (long From, long To) window, long now)
    {
        long bytes = 0;
        var newUids = 0;
        var changes = CollectionsMarshal.AsSpan(_changes);
        foreach (var at in InOrderOfRows(changes))
        {
            ref var change = ref changes[at];
            var account = change.Account;
            var delta = change.Counts - account.Taken;
            bytes += delta.Bytes;
            var standing = account.Standing!;
            newUids += standing.Row == 0 ? 1 : 0;
            standing = standing.With(standing.Waiting.With(delta, account.Slot.Since, account.Slot.Last, change.Origins, privacy), now, options.MinBytes);
            if (change.Reported)
                standing = Report(account.Uid, standing, window);
            change.Next = rows.Save(account.Uid, account.Standing!, standing, account.Slot.Epoch, change.Counts);
            HistoryPending.Write(_history, account.Uid, delta);
        }
        rows.Add(bytes, newUids, IsCleanUp);
        file.History.Put(hour * 3600, _history);
        file.History.Merge();
        PutReports(window);
    }

    /// <summary>As they lie in the file: much of what a row costs is the way to it.</summary>
    private static int[] InOrderOfRows(ReadOnlySpan<Change> changes)
    {
        var rows = new long[changes.Length];
        var order = new int[changes.Length];
        for (var i = 0; i < changes.Length; i++)
            (rows[i], order[i]) = (changes[i].Next.Row, i);
        Array.Sort(rows, order);
        return order;
    }

    /// <summary>What lies in the ledger and has waited long enough, of users who may be long gone.</summary>
    /// <returns>False when there is nothing left.</returns>
    public bool ReportDue((long From, long To) window, long now, Func<string, Account?> find)
    {
        Reports = 0;
        var due = rows.Due(now, TrafficOptions.MostItems);
        if (due.Count == 0)
            return false;
        try
        {
            file.Db.Transaction(() =>
            {
                for (var i = 0; i < due.Count; i++)
                {
                    var (uid, standing) = due[i];
                    standing = Report(uid, standing, window);
                    rows.Save(standing);
                    due[i] = (uid, standing);
                }
                PutReports(window);
            });
        }
        finally
        {
            Forget();
        }
        foreach (var (uid, standing) in due)
        {
            if (find(uid) is { Standing: not null } account)
                account.Standing = standing;
        }
        return due.Count == TrafficOptions.MostItems;
    }

    private Standing Report(string uid, Standing standing, (long From, long To) window)
    {
        if (_reports is not [.., { Items: < TrafficOptions.MostItems }])
            _reports.Add(new ReportBody(Guid.CreateVersion7().ToString("N"), file.Node, window.From, window.To));
        var reported = standing.Reported();
        _reports[^1].Add(uid, standing.Waiting, reported.Cumulative);
        return reported;
    }

    private void PutReports((long From, long To) window)
    {
        foreach (var report in _reports)
            file.Outbox.Put(report.Id, report.Finish(), report.Bytes, report.Items);
        if (_reports.Count > 0)
            rows.CloseWindow(window.To);
        Reports = _reports.Count;
    }

    private void Forget()
    {
        foreach (var report in _reports)
            report.Dispose();
        _reports.Clear();
        _history.ResetWrittenCount();
    }
}
