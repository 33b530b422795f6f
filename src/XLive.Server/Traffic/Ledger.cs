using XLive.Server.Storage;
using XLive.Server.Telemetry;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Traffic;

/// <summary>
/// Moves what the counters hold into the ledger on disk, and cuts reports from it. At any moment
///
///     charged to a user = bytes of his reports + what waits in his row + (his slot's counters - what his row says was taken of them)
///
/// and every move changes two of these in one transaction. So wherever the process dies, the next one reads the same sum.
/// </summary>
public sealed partial class Ledger : IDisposable
{
    /// <summary>A clean-up is looked at after so many requests, and by the timer.</summary>
    private const int RecordsBetweenLooks = 1000;

    // So that the reporter, which asks for the next report meanwhile, does not wait for long.
    private const int MostInOneTransaction = 20_000;

    // Long enough that nobody's account is closed between two segments.
    private const int SecondsBeforeClosing = 60;

    private static readonly TimeSpan LooksAtLeast = TimeSpan.FromSeconds(15);

    private readonly LedgerFile _file;
    private readonly LedgerRows _rows;
    private readonly Cut _cut; // while cutting
    private readonly UserMeters _meters;
    private readonly Func<TrafficOptions> _options;
    private readonly TimeProvider _clock;
    private readonly Lock _cutting = new();

    // While cutting.
    private long _windowFrom;
    private long _hour;
    private long _lastReport;
    private long _lastLook;
    private long _recordsSeen;

    private volatile string? _fault;
    private volatile bool _held;
    private long _failures;
    private long _qualified;
    private long _difference;

    internal Ledger(LedgerFile file, UserMeters meters, Func<TrafficOptions> options, TimeProvider clock)
    {
        _file = file;
        _rows = new LedgerRows(file.Db);
        _cut = new Cut(file, _rows);
        _meters = meters;
        _options = options;
        _clock = clock;
        meters.Clock.Read();
        _windowFrom = Math.Max(_rows.WindowTo, meters.Clock.Unix);
        _hour = meters.Clock.Unix / 3600;
        _lastReport = _lastLook = clock.GetTimestamp();
        _difference = _rows.Difference();
    }

    /// <summary>Whether anybody is there to take reports. While not, what would be reported waits in the ledger.</summary>
    public Func<bool> IsReporting { get; set; } = static () => false;

    /// <summary>How much of an address a report holds.</summary>
    internal Func<AddressPrivacy> Privacy { get; init; } = static () => AddressPrivacy.Full;

    public string Node => _file.Node;
    public Outbox Outbox => _file.Outbox;
    public HistoryPending History => _file.History;

    /// <summary>What is wrong with the last cut; null when nothing is.</summary>
    public string? Fault => _fault;

    /// <summary>The outbox is full: reports are cut again when some have gone.</summary>
    public bool IsHeld => _held;

    public long Failures => Volatile.Read(ref _failures);

    /// <summary>Bytes by which the books disagree, as of the last hour: 0, or something is badly wrong.</summary>
    public long Difference => Volatile.Read(ref _difference);

    /// <summary>Reads the disk.</summary>
    public TrafficTotals Totals() => _file.Totals(Volatile.Read(ref _qualified));

    /// <summary>Once a second: does what is due. What fails is tried again at the next look; nothing has moved meanwhile.</summary>
    internal void Look()
    {
        lock (_cutting)
        {
            try
            {
                LookNow();
                _fault = null;
            }
            catch (Exception e) when (e is DatabaseException or IOException)
            {
                _fault = e.Message;
                Interlocked.Increment(ref _failures);
            }
        }
    }

    private void LookNow()
    {
        _meters.Clock.Read();
        var options = _options();
        var hour = _meters.Clock.Unix / 3600;
        if (hour != _hour)
        {
            // The wall clock says which, also when it was set back: what the history is asked for are hours of the wall.
            Make(CutReason.Settle, options);
            _hour = hour;
            Volatile.Write(ref _difference, _rows.Difference());
        }
        var records = _meters.Records;
        var sinceReport = _clock.GetElapsedTime(_lastReport);
        if (sinceReport >= options.ReportInterval)
        {
            Make(CutReason.Report, options);
            // From when it was due, so that no second is lost to the looks between; from now on where many were missed.
            var due = _lastReport + (long)(options.ReportInterval.TotalSeconds * _clock.TimestampFrequency);
            _lastReport = sinceReport < options.ReportInterval * 2 ? due : _clock.GetTimestamp();
        }
        else if (records - _recordsSeen >= RecordsBetweenLooks || _meters.IsCrowded
            || _clock.GetElapsedTime(_lastLook) >= (options.AccumulatorTimeout < LooksAtLeast ? options.AccumulatorTimeout : LooksAtLeast))
        {
            Make(CutReason.CleanUp, options);
        }
        else
        {
            return;
        }
        _recordsSeen = records;
        _lastLook = _clock.GetTimestamp();
        CloseIdle();
    }

    /// <summary>The last one: all that is charged is in the ledger, and what is enough for a report is in the outbox.</summary>
    internal void Finish()
    {
        lock (_cutting)
        {
            _meters.Clock.Read();
            Make(CutReason.Settle, _options(), last: true);
        }
    }

    private void Make(CutReason reason, TrafficOptions options, bool last = false)
    {
        var now = _meters.Clock.Unix;
        var reporting = (reason == CutReason.Report || last) && IsReporting();
        if (reporting)
            reporting = !(_held = _file.Outbox.Depth().BodyBytes > Outbox.MostBytes);
        // A window never ends before it began, wherever the wall clock went: then they are a second long until it has caught up.
        var window = (From: _windowFrom, To: Math.Max(now, _windowFrom + 1));
        _cut.Begin(options, Privacy(), window);
        var reports = 0;
        long qualified = 0;
        var isCrowded = _meters.IsCrowded;
        foreach (var account in _meters.Accounts)
        {
            var counts = account.Counts;
            var untaken = counts - account.Taken;
            if (untaken.IsZero)
                continue;
            var hasWaited = isCrowded || HasWaited(account, options);
            var take = hasWaited || reason == CutReason.Settle;
            if (reporting || take)
                account.Standing ??= _rows.Load(account.Uid);
            var all = account.Standing is { Waiting.IsNothing: false } known ? untaken + known.Waiting.Counts : untaken;
            var isEnough = all.Payable.Bytes >= options.MinBytes;
            if (reporting && isEnough)
                _cut.Take(account, counts, report: true);
            else if (take)
                _cut.Take(account, counts, report: false);
            _cut.IsCleanUp |= hasWaited && reason != CutReason.Settle;
            qualified += isEnough && !reporting ? 1 : 0;
            if (_cut.Count == MostInOneTransaction)
                Commit();
        }
        Commit();
        if (reporting)
        {
            for (var more = true; more && _file.Outbox.Depth().BodyBytes <= Outbox.MostBytes; Count())
                more = _cut.ReportDue(now, _meters.Find);
            _windowFrom = window.To;
        }
        Volatile.Write(ref _qualified, qualified);
        if (reports > 0)
            _file.Outbox.Filled?.Invoke();
        _file.History.Filled?.Invoke();

        void Commit()
        {
            if (_cut.Count == 0)
                return;
            // First the counters: were the ledger to know of bytes that the disk does not, the next ones would be taken for those.
            _meters.Slots.Sync();
            _cut.Commit(_hour, now);
            Count();
        }

        void Count()
        {
            reports += _cut.Reports;
            // Also when what comes after it fails: this window is in a report.
            if (_cut.Reports > 0)
                _windowFrom = window.To;
        }
    }

    private bool HasWaited(Account account, TrafficOptions options)
    {
        var steady = _meters.Clock.Steady;
        var since = account.SinceSteady;
        return steady - account.LastSteady >= options.AccumulatorTimeout.TotalSeconds
            || (since > 0 && steady - since >= options.LongTermTimeout.TotalSeconds)
            || (_meters.Slots.IsInMemory(account.Slot) && _meters.Slots.HasFree);
    }

    private void CloseIdle()
    {
        var patience = _meters.IsCrowded ? 1 : SecondsBeforeClosing;
        var steady = _meters.Clock.Steady;
        foreach (var account in _meters.Accounts)
        {
            var inMemory = _meters.Slots.IsInMemory(account.Slot) && _meters.Slots.HasFree;
            if ((inMemory || steady - account.LastSteady >= patience) && account.Untaken.IsZero)
                _meters.TryClose(account);
        }
    }

    internal Sqlite Db => _file.Db;

    /// <summary>Each user who is counted now, and all that was ever charged to him: reported, waiting, and not yet taken.</summary>
    internal void Each(Action<Account, long> see)
    {
        lock (_cutting)
        {
            foreach (var account in _meters.Accounts)
            {
                account.Standing ??= _rows.Load(account.Uid);
                see(account, account.Standing.Value.Cumulative + account.Standing.Value.Waiting.Counts.Bytes + account.Untaken.Bytes);
            }
        }
    }

    /// <summary>Once a second, on a thread of its own: for the disk.</summary>
    internal void Sync()
    {
        _meters.Clock.Read();
        _meters.Slots.Grow();
        _meters.Slots.Sync();
    }

    public void Dispose() => _file.Dispose();
}
