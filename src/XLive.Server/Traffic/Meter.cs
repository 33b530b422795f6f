using System.Net;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Traffic;

/// <summary>
/// The handle that a send holds: every body byte that leaves for the viewer is charged here, and nowhere else. One a session; the sessions of
/// a user share his account.
///
/// Charged before the call that sends, given back after it for what the kernel did not take: whenever the process dies, a response in
/// flight is charged at most one call too much and nothing too little.
/// </summary>
public sealed class Meter
{
    private readonly UserMeters _meters;
    private readonly string _sid;
    private Account _account;
    private long _bytes;
    private long _requests;
    private volatile Pace? _pace;
    private volatile Func<StopReason>? _asks;
    private int _stopped;

    // What this session has told its account of itself, and where. Races only ever tell it twice.
    private long _notedIn;
    private IPAddress? _notedFrom;

    internal Meter(UserMeters meters, Account account, string sid)
    {
        _meters = meters;
        _account = account;
        _sid = sid;
    }

    public string Uid => _account.Uid;

    public Account Account => _account;

    /// <summary>Of this session.</summary>
    public long Bytes => Volatile.Read(ref _bytes);
    public long Requests => Volatile.Read(ref _requests);

    /// <summary>Bytes a second that this session's transfers may take together; 0: as fast as they come.</summary>
    public long Rate
    {
        get => _pace?.BytesPerSecond ?? 0;
        set => _pace = value > 0 ? new Pace(value) : null;
    }

    /// <summary>What its transfers take from before they send; null: nothing holds them.</summary>
    public Pace? Pace => _pace ?? _account.Pace;

    /// <summary>Running transfers end at their next call, or at the waiter's next look.</summary>
    public bool IsStopped => Volatile.Read(ref _stopped) != 0 || _account.IsStopped || (_asks is { } ask && MustStop(ask));

    /// <summary>Asked at each look, where nobody keeps a list by which this meter would be told to stop; null: somebody does.</summary>
    internal Func<StopReason>? Asks
    {
        get => _asks;
        set => _asks = value;
    }

    public StopReason StoppedFor => Volatile.Read(ref _stopped) is var own and not 0 ? (StopReason)own : _account.StoppedFor;

    public void Charge(FileKind kind, long bytes)
    {
        Interlocked.Add(ref _bytes, bytes);
        Add((int)kind, bytes);
    }

    public void GiveBack(FileKind kind, long bytes)
    {
        Interlocked.Add(ref _bytes, -bytes);
        Add((int)kind, -bytes);
    }

    /// <param name="kind">Of the file that was asked for.</param>
    /// <param name="from">The viewer's address: a session may move, and a report lists where a user came from.</param>
    public void CountRequest(FileKind kind, IPAddress from)
    {
        _ = kind;
        Interlocked.Increment(ref _requests);
        var account = Add(Counts.Kinds, 1);
        if (_notedIn != account.Window || (!ReferenceEquals(from, _notedFrom) && !from.Equals(_notedFrom)))
        {
            _notedIn = account.Note(from, _sid);
            _notedFrom = from;
        }
        _meters.CountRecord();
    }

    /// <summary>
    /// Somebody else sends for it. The account stays open meanwhile, for quotas and blocks are told to open accounts alone.
    /// </summary>
    public void StayOpen()
    {
        while (!_account.TryStay())
            _account = _meters.Of(_account.Uid);
    }

    /// <summary>The first reason stands, and there is no way back.</summary>
    public void Stop(StopReason reason) => Interlocked.CompareExchange(ref _stopped, (int)reason, 0);

    private bool MustStop(Func<StopReason> ask)
    {
        var reason = ask();
        if (reason == StopReason.None)
            return false;
        Stop(reason);
        return true;
    }

    /// <summary>For the same session, when what stopped it is over.</summary>
    public Meter Renewed() => new(_meters, _account, _sid) { _asks = _asks };

    private Account Add(int count, long value)
    {
        var account = _account;
        return account.TryAdd(count, value) ? account : AddAnew(count, value);
    }

    /// <summary>The user was away so long that his account was closed.</summary>
    private Account AddAnew(int count, long value)
    {
        var wait = new SpinWait();
        while (true)
        {
            // It is found for a moment yet after it was closed.
            var account = _meters.Of(_account.Uid);
            if (account.TryAdd(count, value))
                return _account = account;
            wait.SpinOnce();
        }
    }
}

public enum StopReason { None, Kicked, Revoked, Quota, Blocked, DeviceLimit }
