namespace XLive.Server.Playback.Vod.Origin;

/// <summary>What became of the requests to one origin.</summary>
internal sealed class OriginStats
{
    /// <summary>Failures by these words; the first six are those of <see cref="OriginFault"/>, in its order.</summary>
    private static readonly string[] Kinds = ["refused", "timed_out", "bad_answer", "changed", "busy", "broken_off", "status_5xx"];

    private readonly long[] _failures = new long[Kinds.Length];
    private long _requests, _connectTimeouts, _retries, _resumes, _hedges, _hedgesWon;

    public long Requests => Volatile.Read(ref _requests);

    public long ConnectTimeouts => Volatile.Read(ref _connectTimeouts);

    /// <summary>Requests that had failed before, here or at another.</summary>
    public long Retries => Volatile.Read(ref _retries);

    /// <summary>Bodies that went on here after they had broken off.</summary>
    public long Resumes => Volatile.Read(ref _resumes);

    /// <summary>Second requests beside a slow one.</summary>
    public long Hedges => Volatile.Read(ref _hedges);

    public long HedgesWon => Volatile.Read(ref _hedgesWon);

    public IEnumerable<(string Kind, long Count)> Failures => Kinds.Select((k, i) => (k, Volatile.Read(ref _failures[i])));

    public void Asked() => Interlocked.Increment(ref _requests);

    public void Failed(OriginException e)
    {
        Interlocked.Increment(ref _failures[(int)e.Fault]);
        if (e.WhileConnecting && e.Fault == OriginFault.TimedOut)
            Interlocked.Increment(ref _connectTimeouts);
    }

    public void FailedByStatus() => Interlocked.Increment(ref _failures[^1]);

    public void Retried() => Interlocked.Increment(ref _retries);

    public void Resumed() => Interlocked.Increment(ref _resumes);

    public void Hedged() => Interlocked.Increment(ref _hedges);

    public void HedgeWon() => Interlocked.Increment(ref _hedgesWon);
}
