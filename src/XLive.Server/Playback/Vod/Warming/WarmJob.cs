namespace XLive.Server.Playback.Vod.Warming;

internal enum WarmState
{
    Running,

    /// <summary>All of it is warm.</summary>
    Done,

    /// <summary>It has ended, and something is not warm.</summary>
    Incomplete,
    Stopped,
}

internal readonly record struct WarmFailure(string Path, string Why);

/// <summary>How far one warming is: written by those who do it, read by whoever looks.</summary>
#pragma warning disable CA1001 // it is looked at after its end; the source holds no handle, for nobody waits by one
internal sealed class WarmJob(string id, DateTimeOffset began)
#pragma warning restore CA1001
{
    // Of a film of which nothing comes the first twenty say what is wrong.
    private const int MostFailuresKept = 20;

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<WarmFailure> _failures = [];
    private long _bytes;
    private int _total, _done, _failed;

    public string Id => id;
    public DateTimeOffset Began => began;
    public DateTimeOffset? Ended { get; private set; }
    public WarmState State { get; private set; }

    /// <summary>Why it has ended before its end; "" where it has not.</summary>
    public string Why { get; private set; } = "";

    /// <summary>As many as are named so far: a playlist that is still to come names more.</summary>
    public int Total => Volatile.Read(ref _total);
    public int Warm => Volatile.Read(ref _done);
    public int Failed => Volatile.Read(ref _failed);

    /// <summary>Of all that is warm, fetched now or there before.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    public WarmFailure[] Failures
    {
        get
        {
            lock (_gate)
                return [.. _failures];
        }
    }

    public CancellationToken Stopping => _stop.Token;
    public bool IsOver => State != WarmState.Running;

    public void Stop() => _stop.Cancel();

    internal void Named(int more) => Interlocked.Add(ref _total, more);
    internal long Holds(long bytes) => Interlocked.Add(ref _bytes, bytes);
    internal void Succeeded() => Interlocked.Increment(ref _done);

    internal void FailedAt(string path, string why)
    {
        Interlocked.Increment(ref _failed);
        lock (_gate)
        {
            if (_failures.Count < MostFailuresKept)
                _failures.Add(new WarmFailure(path, why));
        }
    }

    /// <summary>Ends it early; the first reason counts.</summary>
    internal void GiveUp(string why)
    {
        lock (_gate)
        {
            if (Why.Length == 0 && !_stop.IsCancellationRequested)
                Why = why;
        }
        _stop.Cancel();
    }

    internal void End(DateTimeOffset now)
    {
        Ended = now;
        State = Why.Length > 0 || (Failed > 0 && !_stop.IsCancellationRequested) ? WarmState.Incomplete
            : _stop.IsCancellationRequested ? WarmState.Stopped
            : WarmState.Done;
    }
}
