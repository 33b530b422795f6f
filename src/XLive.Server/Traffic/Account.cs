namespace XLive.Server.Traffic;

/// <summary>What one user is charged, by all his sessions.</summary>
public sealed class Account(string uid)
{
    private long _bytes;
    private long _requests;
    private int _stoppedFor;

    public string Uid => uid;
    public long Bytes => Volatile.Read(ref _bytes);
    public long Requests => Volatile.Read(ref _requests);

    /// <summary>What the transfers of all his sessions take from together; null: nothing holds them.</summary>
    public Pace? Pace { get; set; }

    /// <summary>Why nothing is sent to him, for as long as it holds: his quota is used up, or he is blocked.</summary>
    public StopReason StoppedFor
    {
        get => (StopReason)Volatile.Read(ref _stoppedFor);
        set => Volatile.Write(ref _stoppedFor, (int)value);
    }

    public bool IsStopped => Volatile.Read(ref _stoppedFor) != 0;

    internal void Add(FileKind kind, long bytes)
    {
        _ = kind;
        Interlocked.Add(ref _bytes, bytes);
    }

    internal void CountRequest() => Interlocked.Increment(ref _requests);
}
