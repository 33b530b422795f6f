using System.Collections.Concurrent;
using System.Text;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Traffic;

/// <summary>The accounts of the users who took something lately, one for bytes that no user is charged for, and one for what is beyond the bound.</summary>
public sealed class UserMeters : IDisposable
{
    private const int RecordStripes = 8;
    private const int StripeLength = 16; // two cache lines: processors fetch them in pairs

    private readonly ConcurrentDictionary<string, Account> _users = new(StringComparer.Ordinal);
    private readonly CounterSlots _slots;
    private readonly long[] _records = new long[RecordStripes * StripeLength];
    private readonly Lock _gate = new();
    private readonly Account _nobody;
    private Counts _closed; // under the gate: what closed accounts had counted
    private int _count;     // the dictionary's own takes all of its locks

    /// <summary>In memory alone, for what needs no ledger.</summary>
    public UserMeters() : this(new CounterSlots(null, 0), new TrafficClock(TimeProvider.System)) { }

    internal UserMeters(CounterSlots slots, TrafficClock clock)
    {
        _slots = slots;
        Clock = clock;
        var plain = new CounterSlots(null, 0);
        Nobody = new Meter(this, new Account("", plain.Take(""), clock), "");
        Overflow = new Account("", plain.Take(""), clock);
        _nobody = Nobody.Account;
    }

    public int Count => Volatile.Read(ref _count);

    /// <summary>Users at a time.</summary>
    public int Most => Math.Min(_slots.Most, 1_000_000);

    /// <summary>Of these a crash would lose what no cut has taken, for there was no room in the file.</summary>
    public int InMemoryOnly => _slots.HasFile ? _slots.InMemory : 0;

    /// <summary>Null while what was charged is safe from a crash.</summary>
    public string? Trouble => _slots.Trouble;

    /// <summary>Of all who play without a uid.</summary>
    public Meter Nobody { get; }

    /// <summary>Users beyond the bound, counted together and in no report.</summary>
    public Account Overflow { get; }

    /// <summary>Says whether a user who comes may have anything.</summary>
    internal Action<Account>? Opening { get; set; }

    internal TrafficClock Clock { get; }

    internal CounterSlots Slots => _slots;

    /// <summary>Nearly full: what waits moves to the ledger at once, and who is idle makes room.</summary>
    internal bool IsCrowded => Count > Most - Most / 8;

    internal Account? Find(string uid) => _users.GetValueOrDefault(uid);

    internal IEnumerable<Account> Accounts => _users.Select(static u => u.Value);

    /// <summary>Requests counted since the start, also those of accounts that are closed.</summary>
    internal long Records
    {
        get
        {
            long sum = 0;
            for (var i = 0; i < RecordStripes; i++)
                sum += Volatile.Read(ref _records[i * StripeLength]);
            return sum;
        }
    }

    internal void CountRecord() => Interlocked.Increment(ref _records[Thread.GetCurrentProcessorId() % RecordStripes * StripeLength]);

    /// <summary>A session's own.</summary>
    public Meter Open(string uid, string sid) => uid.Length == 0 ? new Meter(this, _nobody, "") : new Meter(this, Of(uid), sid);

    public Account Of(string uid)
    {
        if (uid.Length == 0)
            return _nobody;
        if (_users.TryGetValue(uid, out var account))
            return account;
        // A uid comes with a right signature, or, with access.enable off, from anybody: then this is the bound on a stranger's word.
        if (Count >= Most || Encoding.UTF8.GetByteCount(uid) > Slot.MostUid)
            return Overflow;
        lock (_gate)
        {
            if (_users.TryGetValue(uid, out account))
                return account;
            account = new Account(uid, _slots.Take(uid), Clock);
            Opening?.Invoke(account);
            _users[uid] = account;
            _count++;
            return account;
        }
    }

    /// <summary>Ends an account of which the ledger has everything; false when somebody adds to it, or has.</summary>
    internal bool TryClose(Account account)
    {
        if (!account.TryClose())
            return false;
        var counts = account.Slot.Read();
        if (!(counts - account.Taken).IsZero)
        {
            account.Reopen();
            return false;
        }
        lock (_gate)
        {
            _closed += counts;
            _users.TryRemove(account.Uid, out _);
            _count--;
        }
        _slots.Return(account.Slot);
        return true;
    }

    public (long Bytes, long Requests) Total()
    {
        Counts sum;
        lock (_gate)
            sum = _closed;
        sum = sum + _nobody.Counts + Overflow.Counts;
        foreach (var (_, account) in _users)
            sum += account.Counts;
        return (sum.Bytes, sum.Requests);
    }

    public void Dispose() => _slots.Dispose();
}
