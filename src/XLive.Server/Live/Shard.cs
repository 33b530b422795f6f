using XLive.Server.Telemetry;

namespace XLive.Server.Live;

/// <summary>
/// One thread that sends to its share of all viewers, stream by stream, as frames come: a send a viewer and batch, and nothing else of a viewer's own. Others
/// only leave word; each stream and each viewer stands in the queue once at most.
/// </summary>
internal sealed class Shard
{
    // Who is told to go while nothing is sent to him goes within this.
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly object _gate = new();
    private readonly TimeProvider _clock;
    private readonly HashSet<Party> _parties = [];
    private readonly SupervisedLoop _loop;
    private Queue<Party> _comingParties = new(), _turnParties = new();
    private Queue<Watcher> _comingWatchers = new(), _turnWatchers = new();
    private long _lastLook;
    private int _viewers;
    private bool _stopping;

    public Shard(int number, TimeProvider clock, Supervisor supervisor)
    {
        _clock = clock;
        _lastLook = clock.GetTimestamp();
        _loop = supervisor.OnThread("live " + number, 256 * 1024, Run);
    }

    public int Viewers => Volatile.Read(ref _viewers);

    /// <summary>There are frames for them.</summary>
    public void Wake(Party party)
    {
        lock (_gate)
        {
            if (party.IsWoken)
                return;
            party.IsWoken = true;
            _comingParties.Enqueue(party);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>He is new, has taken what he was sent, or has left.</summary>
    public void Wake(Watcher watcher)
    {
        lock (_gate)
        {
            if (watcher.IsWoken)
                return;
            watcher.IsWoken = true;
            _comingWatchers.Enqueue(watcher);
            Monitor.Pulse(_gate);
        }
    }

    private void Run(SupervisedLoop loop)
    {
        while (true)
        {
            loop.Rest();
            if (!Await())
                return;
            loop.Beat();
            while (_turnWatchers.TryDequeue(out var watcher))
                Turn(loop, watcher);
            while (_turnParties.TryDequeue(out var party))
            {
                // From the end: who leaves is replaced by the last.
                for (var i = party.Count - 1; i >= 0; i--)
                    Turn(loop, party[i]);
            }
            if (_clock.GetElapsedTime(_lastLook) >= LookEvery)
                Look();
        }
    }

    /// <summary>Takes what has come. False: the server ends.</summary>
    private bool Await()
    {
        lock (_gate)
        {
            if (_comingParties.Count == 0 && _comingWatchers.Count == 0 && !_stopping)
                Monitor.Wait(_gate, LookEvery);
            (_comingParties, _turnParties) = (_turnParties, _comingParties);
            (_comingWatchers, _turnWatchers) = (_turnWatchers, _comingWatchers);
            // What comes from here on needs another turn.
            foreach (var party in _turnParties)
                party.IsWoken = false;
            foreach (var watcher in _turnWatchers)
                watcher.IsWoken = false;
            return !_stopping;
        }
    }

    private void Turn(SupervisedLoop loop, Watcher watcher)
    {
        if (watcher.Place < 0 && !TryJoin(watcher))
            return;
        try
        {
            if (watcher.Turn())
                return;
            Leave(watcher);
            watcher.End();
        }
        catch (Exception e)
        {
            // One viewer's; the others have frames to come.
            loop.Failed(e);
            if (watcher.Place >= 0)
                Leave(watcher);
            watcher.Fail(e);
        }
    }

    // Who ended may be woken once more by his connection.
    private bool TryJoin(Watcher watcher)
    {
        if (watcher.Ended.IsCompleted)
            return false;
        watcher.Party.Add(watcher);
        _parties.Add(watcher.Party);
        Volatile.Write(ref _viewers, _viewers + 1);
        return true;
    }

    private void Leave(Watcher watcher)
    {
        watcher.Party.Remove(watcher);
        if (watcher.Party.Count == 0)
            _parties.Remove(watcher.Party);
        Volatile.Write(ref _viewers, _viewers - 1);
    }

    private void Look()
    {
        _lastLook = _clock.GetTimestamp();
        foreach (var party in _parties)
        {
            for (var i = 0; i < party.Count; i++)
            {
                if (party[i].MustGo)
                    Wake(party[i]);
            }
        }
    }

    public void Stop()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.Pulse(_gate);
        }
        _loop.Dispose();
    }
}
