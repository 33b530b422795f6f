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
/// come of it. Nothing in memory moves before it is committed, so one that fails never was. One after the other with the same memory: cut
/// anew for 10,000 users each second, the collector took a third of the time.
/// </summary>
internal sealed class Cut(LedgerFile file, LedgerRows rows)
{
    private readonly List<Change> _changes = [];
    private readonly ArrayBufferWriter<byte> _history = new();
    private readonly ReportBody _report = new();
    private TrafficOptions _options = new();
    private AddressPrivacy _privacy;
    private (long From, long To) _window;
    private long[] _rowOf = [];
    private int[] _order = [];

    private struct Change
    {
        public Account Account;
        public Counts Counts;
        public Origins? Origins;
        public Standing Next;
        public bool Reported;

        public readonly void End(bool isCommitted)
        {
            if (isCommitted)
            {
                Account.Taken = Counts;
                Account.Standing = Next;
                Account.BeginWindow();
            }
            if (Origins is not null)
                Account.GiveBack(Origins, again: !isCommitted);
        }
    }

    public int Count => _changes.Count;

    /// <summary>Somebody is among them only because he has waited long enough.</summary>
    public bool IsCleanUp { get; set; }

    /// <summary>Reports that the last commit put into the outbox.</summary>
    public int Reports { get; private set; }

    /// <param name="window">What the reports, if any, are of.</param>
    public void Begin(TrafficOptions options, AddressPrivacy privacy, (long From, long To) window)
    {
        // One that failed before it was committed may have left some.
        _changes.Clear();
        IsCleanUp = false;
        (_options, _privacy, _window) = (options, privacy, window);
    }

    public void Take(Account account, in Counts counts, bool report) =>
        _changes.Add(new Change { Account = account, Counts = counts, Next = account.Standing!.Value, Reported = report });

    /// <param name="hour">The hour that the bytes are of.</param>
    /// <param name="now">Unix seconds.</param>
    public void Commit(long hour, long now)
    {
        var isCommitted = false;
        try
        {
            file.Db.Transaction(() => Write(hour, now));
            isCommitted = true;
        }
        finally
        {
            foreach (ref var change in CollectionsMarshal.AsSpan(_changes))
                change.End(isCommitted);
        }
        _changes.Clear();
        IsCleanUp = false;
    }

    private void Write(long hour, long now)
    {
        long bytes = 0;
        var newUids = 0;
        Reports = 0;
        _report.Forget();
        _history.ResetWrittenCount();
        var changes = CollectionsMarshal.AsSpan(_changes);
        foreach (var at in InOrderOfRows(changes))
        {
            ref var change = ref changes[at];
            var account = change.Account;
            var delta = change.Counts - account.Taken;
            bytes += delta.Bytes;
            var before = change.Next;
            var origins = change.Origins = account.TakeOrigins();
            newUids += before.Row == 0 ? 1 : 0;
            change.Next = rows.Save(account.Uid, before, After(account, before, delta, origins, change.Reported, now), account.Slot.Epoch, change.Counts);
            HistoryPending.Write(_history, account.Uid, delta);
        }
        rows.Add(bytes, newUids, IsCleanUp);
        file.History.Put(hour * 3600, _history);
        file.History.Merge();
        PutReport();
        CloseWindow();
    }

    private Standing After(Account account, in Standing before, in Counts delta, Origins origins, bool isReported, long now)
    {
        var time = (account.Slot.Since, account.Slot.Last);
        if (isReported && before.Waiting.IsNothing)
        {
            // Of most users, at every cut.
            var payable = delta.Payable;
            var reported = before.Reported(delta, payable);
            Room().Add(account.Uid, payable, Waiting.InOrder(time.Since, time.Last), origins, _privacy, reported.Cumulative);
            return reported;
        }
        var standing = before.With(before.Waiting.With(delta, time.Since, time.Last, origins, _privacy), now, _options.MinBytes);
        return isReported ? Report(account.Uid, standing) : standing;
    }

    /// <summary>As they lie in the file: much of what a row costs is the way to it.</summary>
    private ReadOnlySpan<int> InOrderOfRows(ReadOnlySpan<Change> changes)
    {
        if (_order.Length < changes.Length)
            (_rowOf, _order) = (new long[changes.Length * 3 / 2], new int[changes.Length * 3 / 2]);
        for (var i = 0; i < changes.Length; i++)
            (_rowOf[i], _order[i]) = (changes[i].Next.Row, i);
        Array.Sort(_rowOf, _order, 0, changes.Length);
        return _order.AsSpan(0, changes.Length);
    }

    /// <summary>What lies in the ledger and has waited long enough, of users who may be long gone.</summary>
    /// <returns>False when there is nothing left.</returns>
    public bool ReportDue(long now, Func<string, Account?> find)
    {
        Reports = 0;
        var due = rows.Due(now, TrafficOptions.MostItems);
        if (due.Count == 0)
            return false;
        file.Db.Transaction(() =>
        {
            Reports = 0;
            _report.Forget();
            for (var i = 0; i < due.Count; i++)
            {
                var (uid, standing) = due[i];
                standing = Report(uid, standing);
                rows.Save(standing);
                due[i] = (uid, standing);
            }
            PutReport();
            CloseWindow();
        });
        foreach (var (uid, standing) in due)
        {
            if (find(uid) is { Standing: not null } account)
                account.Standing = standing;
        }
        return due.Count == TrafficOptions.MostItems;
    }

    private Standing Report(string uid, in Standing standing)
    {
        var reported = standing.Reported();
        Room().Add(uid, standing.Waiting, reported.Cumulative);
        return reported;
    }

    /// <summary>The report that the next item goes into.</summary>
    private ReportBody Room()
    {
        if (_report.Items == TrafficOptions.MostItems)
            PutReport();
        if (_report.Items == 0)
            _report.Begin(Guid.CreateVersion7().ToString("N"), file.Node, _window.From, _window.To);
        return _report;
    }

    private void PutReport()
    {
        if (_report.Items == 0)
            return;
        file.Outbox.Put(_report.Id, _report.Finish(), _report.Bytes, _report.Items);
        Reports++;
        _report.Forget();
    }

    private void CloseWindow()
    {
        if (Reports > 0)
            rows.CloseWindow(_window.To);
    }
}
